using System.Diagnostics;
using System.Globalization;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// Names a process so that another can tell whether it still runs: machine, process id, and its start time, because ids are reused.
/// </summary>
/// <param name="Machine">Host name in letters and digits only.</param>
/// <param name="ProcessId">The id on that machine.</param>
/// <param name="Start">Start time in the system's own unit; compared for equality only.</param>
public readonly record struct ProcessIdentity(string Machine, int ProcessId, long Start)
{
    /// <summary>This process.</summary>
    public static ProcessIdentity Current { get; } =
        new(MachineName(), Environment.ProcessId, StartOf(Environment.ProcessId) ?? 0);

    /// <summary>The inverse of <see cref="ToString"/>; null if the text is not one.</summary>
    public static ProcessIdentity? Parse(string text)
    {
        string[] parts = text.Split('-');
        return parts.Length == 3
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int process)
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out long start)
            ? new ProcessIdentity(parts[0], process, start)
            : null;
    }

    /// <summary>False only if that is certain: a process on another machine is assumed to be running.</summary>
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

    // Process.StartTime is computed from the wall clock on Linux and differs between two readers; field 22 of stat does not.
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
