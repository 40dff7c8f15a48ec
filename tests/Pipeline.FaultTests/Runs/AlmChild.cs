using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Pipeline.FaultTests.Runs;

/// <summary>A process of its own that the test may kill: the real <c>alm</c>, or this assembly where a fault is planted in its storage.</summary>
internal sealed partial class AlmChild : IDisposable
{
    /// <summary>Nothing here takes more than seconds on an idle machine: what takes this long hangs.</summary>
    public static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(4);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private AlmChild(string assembly, IEnumerable<string> arguments, bool smallHeap = false, string[]? launcher = null)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(launcher?[0] ?? dotnet)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // The teams of a loaded machine spin for each other; one thread is what the definitions ask for anyway.
        start.Environment["OMP_NUM_THREADS"] = "1";
        if (smallHeap)
        {
            // The collector lets new objects pile up to a share of the processor's cache, which may be hundreds of MiB, before it looks at
            // them; that is a constant of the machine. What is kept must fit into 24 MiB, or the process ends out of memory. Hexadecimal.
            start.Environment["DOTNET_GCgen0size"] = "400000";
            start.Environment["DOTNET_GCHeapHardLimit"] = "1800000";
        }
        foreach (string word in launcher is null ? [] : launcher[1..].Append(dotnet))
            start.ArgumentList.Add(word);
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, assembly));
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, e) => Append(_output, e.Data);
        _process.ErrorDataReceived += (_, e) => Append(_error, e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it had of the processors; all it will have when it has ended.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            try
            {
                return _process.TotalProcessorTime;
            }
            catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                return TimeSpan.MaxValue;
            }
        }
    }

    /// <summary>What it has written so far.</summary>
    public string Output => Said(_output);

    /// <summary>The real program.</summary>
    public static AlmChild Run(params string[] arguments) => new("alm.dll", arguments);

    /// <summary>The real program as so many ranks of mpirun, which must be there.</summary>
    public static AlmChild Ranks(int count, params string[] arguments) => new("alm.dll", arguments, launcher:
        ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", count.ToString(System.Globalization.CultureInfo.InvariantCulture)]);

    /// <summary>The processes that it started, on Linux.</summary>
    public int[] Children
    {
        get
        {
            string path = $"/proc/{Id}/task/{Id}/children";
            return File.Exists(path) ? [.. File.ReadAllText(path).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)] : [];
        }
    }

    /// <summary>SIGKILL to one of them; false when it is gone already.</summary>
    public static bool KillChild(int child) => SystemKill(child, 9) == 0;

    /// <summary>The program's command line in this assembly, with something planted in it: see Program.cs.</summary>
    public static AlmChild Faulty(params string[] arguments) => new("Pipeline.FaultTests.dll", arguments);

    /// <summary>The program's command line; the last line says how much memory it had at most.</summary>
    public static AlmChild Measured(params string[] arguments) => new("Pipeline.FaultTests.dll", ["measure", .. arguments], smallHeap: true);

    /// <summary>A process that makes whole runs as it is told: see <see cref="Soak.Resident"/>.</summary>
    public static AlmChild Resident() => new("Pipeline.FaultTests.dll", ["resident"]);

    public void Write(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Waits for its end, and fails the test when it does not come.</summary>
    public AlmEnd End(TimeSpan? limit = null)
    {
        if (!Patience.Await(limit ?? TimeLimit, _process.WaitForExit))
        {
            _process.Kill();
            _process.WaitForExit();
            Assert.Fail($"it did not end within {limit ?? TimeLimit}:\n{Said(_output)}\n{Said(_error)}");
        }
        _process.WaitForExit();
        return new AlmEnd(_process.ExitCode, Said(_output), Said(_error));
    }

    /// <summary>Waits until something is so; fails when the process ends first.</summary>
    public void Until(Func<bool> reached, string what)
    {
        bool come = Patience.Await(TimeLimit, step =>
        {
            long start = Stopwatch.GetTimestamp();
            while (!reached())
            {
                Assert.False(_process.HasExited, $"the process ended before {what}: {Said(_output)}\n{Said(_error)}");
                if (Stopwatch.GetElapsedTime(start) > step)
                    return false;
                Thread.Sleep(2);
            }
            return true;
        });
        Assert.True(come, $"no {what} within {TimeLimit}: {Said(_output)}\n{Said(_error)}");
    }

    /// <summary>SIGKILL; returns when it is gone.</summary>
    public AlmEnd Kill()
    {
        _process.Kill();
        return End();
    }

    /// <summary>Directly, because starting a program to do it would take as long as what is to be interrupted.</summary>
    public void Signal(int signal) => Assert.Equal(0, SystemKill(Id, signal));

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SystemKill(int process, int signal);

    // A message about a process that still speaks must not read while a line comes in.
    private static string Said(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is null)
            return;
        lock (text)
            text.Append(line).Append('\n');
    }
}

/// <summary>How a process ended.</summary>
internal sealed record AlmEnd(int Code, string Output, string Error)
{
    /// <summary>A process that SIGKILL ended.</summary>
    public const int Killed = 137;

    public override string ToString() => $"exit {Code}\n{Output}\n{Error}";
}
