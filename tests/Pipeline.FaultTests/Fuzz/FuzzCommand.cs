using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.FaultTests.Runs;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>
/// <c>fuzz FORMAT --minutes N [--from SEED] [--keep-going]</c>: goes on where the tests stop. With <c>--keep-going</c> a seed that fails is
/// written down and the next is tried.
/// </summary>
internal static class FuzzCommand
{
    public static int Run(string format, string[] arguments, TextWriter output)
    {
        TimeSpan time = TimeSpan.FromMinutes(double.Parse(Value("--minutes") ?? "10", CultureInfo.InvariantCulture));
        int first = int.Parse(Value("--from") ?? "0", CultureInfo.InvariantCulture);
        using FuzzTarget target = FuzzTarget.Create(format);
        using var run = new FuzzRun(target);
        output.WriteLine($"{format}: the seed in hand is in {run.SeedFile}");
        int failed = 0;
        long start = Stopwatch.GetTimestamp();
        for (int seed = first; Stopwatch.GetElapsedTime(start) < time; seed++)
        {
            try
            {
                run.Try(seed);
            }
            catch (InvalidOperationException e)
            {
                failed++;
                output.WriteLine(arguments.Contains("--keep-going") ? $"{e.Message}\n{e.InnerException?.StackTrace}" : e.ToString());
                if (!arguments.Contains("--keep-going") || failed > 200)
                    break;
            }
        }
        output.WriteLine($"{run}; {failed} failed; {PeakMemory.Line()}");
        return failed == 0 ? ExitCodes.Success : ExitCodes.Defect;

        string? Value(string name) => Array.IndexOf(arguments, name) is var at and >= 0 && at + 1 < arguments.Length ? arguments[at + 1] : null;
    }
}
