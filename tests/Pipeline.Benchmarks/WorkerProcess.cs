using System.Diagnostics;
using System.Globalization;

namespace Pipeline.Benchmarks;

/// <summary>One side of a comparison, in a process of its own. It answers each line on its input with a line on its output.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private readonly Process _process;

    private WorkerProcess(string name, string program, IEnumerable<string> arguments)
    {
        Name = name;
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        // While one side works, the threads of the other must not spin on its cores.
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        _process = Process.Start(start)!;
    }

    public string Name { get; }

    /// <summary>Starts this program again, with other arguments.</summary>
    public static WorkerProcess Ours(params string[] arguments)
        => new("ours", Environment.ProcessPath!, Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Environment.GetCommandLineArgs()[0], .. arguments] : arguments);

    /// <summary>Starts a Python script beside this program, with <c>ALM_PYTHON</c> or python3. Null where there is no Python with torch.</summary>
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

    /// <summary>Sends a command and reads the answer: seconds, processor seconds and a loss.</summary>
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
