namespace Pipeline.FaultTests.Soak;

/// <summary>What a process holds at a moment, as the system counts it.</summary>
/// <param name="ResidentMiB">Managed, native and mapped memory that is in RAM.</param>
/// <param name="Handles">Open files, pipes and sockets.</param>
/// <param name="Threads">Of the runtime, of torch and of ours.</param>
internal readonly record struct ProcessSample(double ResidentMiB, int Handles, int Threads)
{
    /// <summary>Null when the process is gone, or the system has no /proc.</summary>
    public static ProcessSample? Of(int process)
    {
        try
        {
            string folder = $"/proc/{process}";
            Dictionary<string, string> status = File.ReadLines($"{folder}/status").Select(l => l.Split(':', 2)).ToDictionary(p => p[0], p => p[1].Trim());
            // A process that has ended and was not waited for has a status without memory.
            return status.TryGetValue("VmRSS", out string? resident)
                ? new ProcessSample(Number(resident) / 1024.0, Directory.GetFileSystemEntries($"{folder}/fd").Length, (int)Number(status["Threads"]))
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long Number(string value) => long.Parse(value.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
}
