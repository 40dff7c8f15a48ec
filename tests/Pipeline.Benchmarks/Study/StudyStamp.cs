using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Pipeline.Benchmarks.Study;

/// <summary>The line at the end of each page. It says when the page was made, at which commit, and on which machine.</summary>
internal static class StudyStamp
{
    public static string Make(string? commit, string? machine, TimeProvider time) => string.Create(
        CultureInfo.InvariantCulture, $"Made on {time.GetLocalNow():yyyy-MM-dd} at commit {commit ?? Commit() ?? "unknown"} on {machine ?? Machine()}.");

    private static string? Commit()
    {
        try
        {
            using Process git = Process.Start(new ProcessStartInfo("git", ["rev-parse", "--short", "HEAD"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            string hash = git.StandardOutput.ReadToEnd().Trim();
            git.WaitForExit();
            return git.ExitCode == 0 ? hash : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private static string Machine()
    {
        double gigabytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores of {Processor()}, {gigabytes:F0} GB, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}");
    }

    // Only the maker and the family: "AMD EPYC 9B14 96-Core Processor" becomes "AMD EPYC". The full name would tell whose machine it is, not how fast it is.
    private static string Processor()
    {
        string? line = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        string[] words = line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Replace("(R)", "", StringComparison.Ordinal).Replace("(TM)", "", StringComparison.Ordinal)
            .Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        string name = string.Join(' ', words.TakeWhile(w => !w.Any(char.IsDigit) && w is not ("Processor" or "CPU" or "@")).Take(3));
        return name.Length == 0 ? $"an unnamed {RuntimeInformation.ProcessArchitecture} processor" : $"an {name}";
    }
}
