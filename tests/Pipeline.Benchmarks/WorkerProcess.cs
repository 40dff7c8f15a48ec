using System.Diagnostics;
using System.Globalization;

namespace Pipeline.Benchmarks;

/// <summary>One side of a comparison, in a process that answers a line with a line.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private readonly Process _process;

    private WorkerProcess(string name, string program, IEnumerable<string> arguments)
    {
        Name = name;
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        // Threads of the side that is not asked must not spin on the cores of the one that is.
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        _process = Process.Start(start)!;
    }

    public string Name { get; }

    /// <summary>This program again.</summary>
    public static WorkerProcess Ours(params string[] arguments)
        => new("ours", Environment.ProcessPath!, Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Environment.GetCommandLineArgs()[0], .. arguments] : arguments);

    /// <summary>A script beside this program, by <c>ALM_PYTHON</c> or python3; null when that has no torch.</summary>
    public static WorkerProcess? Python(string script, params string[] arguments)
    {
        string python = Environment.GetEnvironmentVariable("ALM_PYTHON") ?? "/usr/bin/python3";
        if (!File.Exists(python))
            return null;
        using (Process probe = Process.Start(new ProcessStartInfo(python, ["-c", "import torch"]) { RedirectStandardError = true })!)
        {
            probe.StandardError.ReadToEnd();
            probe.WaitForExit();
            if (probe.ExitCode != 0)
                return null;
        }

        return new WorkerProcess("torch", python, [Path.Combine(AppContext.BaseDirectory, script), .. arguments]);
    }

    public string Read() => _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{Name} ended; what it said is above");

    /// <summary>The three numbers of the answer.</summary>
    public (double Wall, double Processor, double Loss) Ask(string command)
    {
        _process.StandardInput.WriteLine(command);
        double[] numbers = [.. Read().Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
        return (numbers[0], numbers[1], numbers[2]);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
