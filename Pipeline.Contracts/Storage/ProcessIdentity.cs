using System.Diagnostics;
using System.Globalization;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// Names a process so that another one can tell whether it still runs. The start time is part of it because the system uses process ids again.
/// </summary>
/// <param name="Machine">The name of the machine: at most 24 letters and digits.</param>
/// <param name="ProcessId">The id of the process on that machine.</param>
/// <param name="Start">When the process started, in the system's own unit. It is only compared for equality.</param>
public readonly record struct ProcessIdentity(string Machine, int ProcessId, long Start)
{
    /// <summary>This process.</summary>
    public static ProcessIdentity Current { get; } =
        new(MachineName(), Environment.ProcessId, StartOf(Environment.ProcessId) ?? 0);

    /// <summary>The inverse of <see cref="ToString"/>; null if the text does not name a process.</summary>
    public static ProcessIdentity? Parse(string text)
    {
        string[] parts = text.Split('-');
        return parts.Length == 3
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int process)
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out long start)
            ? new ProcessIdentity(parts[0], process, start)
            : null;
    }

    /// <summary>Whether the process may still run. False only if it certainly does not: a process on another machine is assumed to run.</summary>
    public bool MayRun() => Machine != Current.Machine || StartOf(ProcessId) == Start;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Machine}-{ProcessId}-{Start}");

    private static string MachineName()
    {
        string name = string.Concat(Environment.MachineName.Where(char.IsAsciiLetterOrDigit).Take(24));
        return name.Length == 0 ? "host" : name;
    }

    private static long? StartOf(int process)
    {
        if (OperatingSystem.IsLinux())
            return StartOnLinux(process);
        try
        {
            using var found = Process.GetProcessById(process);
            return found.StartTime.ToUniversalTime().Ticks;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    // On Linux, Process.StartTime is computed from the wall clock, so two processes may read different values. Field 22 of stat is the same for all.
    private static long? StartOnLinux(int process)
    {
        try
        {
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (StorageErrors.IsSystemError(e))
        {
            return null;
        }
    }
}
