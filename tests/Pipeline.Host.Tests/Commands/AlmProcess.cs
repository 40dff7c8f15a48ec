using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Pipeline.Host.Tests.Commands;

/// <summary>The command line as a process of its own: the real alm, or this assembly's with the test stages.</summary>
internal sealed class AlmProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private AlmProcess(string assembly, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
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

    public static AlmProcess Real(params string[] arguments) => new("alm.dll", arguments);

    public static AlmProcess WithTestStages(params string[] arguments) => new("Pipeline.Host.Tests.dll", arguments);

    public async Task<AlmAnswer> ExitAsync()
    {
        await _process.WaitForExitAsync();
        return new AlmAnswer(_process.ExitCode, _output.ToString(), _error.ToString());
    }

    /// <summary>Waits until the file is there; fails when the process ends first.</summary>
    public async Task UntilAsync(string path)
    {
        while (!File.Exists(path))
        {
            Assert.False(_process.HasExited, $"the process ended before it wrote {path}: {_error}");
            await Task.Delay(5);
        }
    }

    public void Kill() => _process.Kill();

    /// <summary>Whether whoever started the tests has SIGINT ignored, which children inherit.</summary>
    public static bool InterruptIsIgnored
    {
        get
        {
            const int bit = 1;
            string? line = File.Exists("/proc/self/status")
                ? File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("SigIgn:", StringComparison.Ordinal))
                : null;
            return line is not null && (Convert.ToUInt64(line[7..].Trim(), 16) >> bit & 1) == 1;
        }
    }

    public async Task SignalAsync(string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static void Append(StringBuilder text, string? line)
    {
        lock (text)
            text.Append(line).Append('\n');
    }
}
