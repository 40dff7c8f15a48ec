using System.Globalization;

namespace Pipeline.FaultTests.Runs;

/// <summary>The most memory a process ever had, as the system counts it: managed, native and mapped.</summary>
internal static class PeakMemory
{
    private const string Mark = "VmHWM:";

    /// <summary>This process's line of /proc/self/status; empty where there is no such file.</summary>
    public static string Line()
        => OperatingSystem.IsLinux() ? File.ReadLines("/proc/self/status").First(l => l.StartsWith(Mark, StringComparison.Ordinal)) : "";

    /// <summary>MiB, from what a child wrote; null when it could not measure.</summary>
    public static double? MiB(string output)
    {
        string? line = output.Split('\n').LastOrDefault(l => l.StartsWith(Mark, StringComparison.Ordinal));
        return line is null ? null : double.Parse(line[Mark.Length..^2], CultureInfo.InvariantCulture) / 1024;
    }
}
