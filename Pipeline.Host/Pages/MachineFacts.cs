using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Pipeline.Host.Pages;

/// <summary>The machine and the program that have written a page.</summary>
/// <param name="Program">The program's name and version.</param>
/// <param name="Processor">The name of the processor.</param>
/// <param name="Cores">The number of processor cores.</param>
/// <param name="MemoryBytes">The memory that this process may use.</param>
/// <param name="System">The operating system and the version of .NET.</param>
/// <param name="PeakBytes">The most memory that this process has used. Null if it is not the process of the run.</param>
internal sealed record MachineFacts(string Program, string Processor, int Cores, long MemoryBytes, string System, long? PeakBytes)
{
    /// <summary>The facts of this machine and process.</summary>
    /// <param name="isRun">Whether this process has done the run that the page is about.</param>
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
