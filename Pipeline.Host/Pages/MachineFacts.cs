using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Pipeline.Host.Pages;

/// <summary>Which machine and program a page was written by.</summary>
/// <param name="PeakBytes">The most memory this process used; null where it is not the one that ran.</param>
internal sealed record MachineFacts(string Program, string Processor, int Cores, long MemoryBytes, string System, long? PeakBytes)
{
    /// <param name="isRun">Whether this process ran what the page is of.</param>
    public static MachineFacts Here(bool isRun) => new(
        "alm " + (Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? ""),
        ProcessorName(),
        Environment.ProcessorCount,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        string.Create(CultureInfo.InvariantCulture, $"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}"),
        isRun ? Process.GetCurrentProcess().PeakWorkingSet64 : null);

    private static string ProcessorName()
    {
        const string file = "/proc/cpuinfo", key = "model name";
        string? line = File.Exists(file) ? File.ReadLines(file).FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
