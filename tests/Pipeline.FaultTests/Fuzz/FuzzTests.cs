using System.Diagnostics;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>
/// Files that somebody made on purpose: the readers refuse or read, and do nothing else. The fast form tries the first seeds and every seed
/// that ever failed; the full form goes on for <c>ALM_FUZZ_SECONDS</c> a format, 600 for ten minutes.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    public static TheoryData<string> Formats => [.. FuzzTarget.Names];

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_file_from_a_stranger_is_read_or_refused(string format)
    {
        using FuzzTarget target = FuzzTarget.Create(format);
        using var run = new FuzzRun(target);
        long started = Stopwatch.GetTimestamp();
        foreach (int seed in target.KeptSeeds.Concat(Enumerable.Range(0, int.MaxValue)))
        {
            if (run.Tried >= target.FastTries && (!FaultCounts.Full || Stopwatch.GetElapsedTime(started) > FaultCounts.FuzzTime))
                break;
            run.Try(seed);
        }
        output.WriteLine(run.ToString());
        // Both ends are reached: a mutator whose every file is refused at once would test one line.
        Assert.InRange(run.Accepted, run.Tried / 200, run.Tried - (run.Tried / 200));
    }
}
