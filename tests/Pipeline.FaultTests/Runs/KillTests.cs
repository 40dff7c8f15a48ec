using System.Diagnostics;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>The bar, item 1: kill -9 at random moments over a whole run of the real program.</summary>
[Collection(TinyJobTests.Name)]
public sealed class KillTests(TinyJob job, ITestOutputHelper output)
{
    [Fact]
    public void Killed_at_random_moments_a_run_ends_with_the_bytes_of_an_undisturbed_one()
    {
        int wanted = FaultCounts.Of(5, 200);
        SortedDictionary<string, string> expected = job.Expected;
        Assert.Contains(expected.Keys, k => k == "student/model.safetensors");
        Assert.Equal(TinyJob.Shards, expected.Keys.Count(k => k.EndsWith(".alm", StringComparison.Ordinal)));
        var random = new Random(wanted);
        TimeSpan whole = Duration();
        int kills = 0, runs = 0, repeated = 0, starts = 0;
        while (kills < wanted)
        {
            runs++;
            string folder = job.NewFolder("killed");
            long stepsBefore = 0;
            for (bool done = false; !done; starts++)
            {
                Dictionary<string, DateTime> shardsBefore = ShardTimes(folder);
                using AlmChild child = AlmChild.Run(TinyJob.Arguments(job.Definition, folder));
                AlmEnd? end = kills < wanted ? EndOrKill(child, random.NextDouble() * whole) : child.End();
                kills += end is null ? 1 : 0;
                done = end is { Code: ExitCodes.Success };
                Assert.True(end is null || done, end?.ToString());

                // What was committed before this start is not touched again.
                Dictionary<string, DateTime> shardsNow = ShardTimes(folder);
                Assert.All(shardsBefore, s => Assert.Equal(s.Value, shardsNow[s.Key]));
                long[] steps = TinyJob.StepsComputed(folder);
                long[] these = [.. steps.Skip((int)stepsBefore)];
                if (these.Length > 0 && stepsBefore > 0)
                {
                    // The last line of a killed process may be lost: it is written when the next step begins.
                    long again = steps.Take((int)stepsBefore).Max() + 1 - these[0];
                    Assert.InRange(again, 0, TinyJob.CheckpointEvery);
                    repeated += (int)again;
                }
                stepsBefore = steps.Length;
            }
            TinyJob.AssertSame(expected, folder, $"run {runs}");
            Directory.Delete(folder, recursive: true);
        }
        output.WriteLine($"{kills} kills in {starts} starts of {runs} runs; a run takes {whole.TotalSeconds:F1} s; {repeated} steps were computed again");
    }

    private TimeSpan Duration()
    {
        string folder = job.NewFolder("timed");
        long start = Stopwatch.GetTimestamp();
        using AlmChild child = AlmChild.Run(TinyJob.Arguments(job.Definition, folder));
        AlmEnd end = child.End();
        Assert.True(end.Code == 0, end.ToString());
        TinyJob.AssertSame(job.Expected, folder, "a second undisturbed run");
        return Stopwatch.GetElapsedTime(start);
    }

    private static AlmEnd? EndOrKill(AlmChild child, TimeSpan after)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < after && !child.HasExited)
            Thread.Sleep(1);
        if (child.HasExited)
            return child.End();
        child.Kill();
        return null;
    }

    private static Dictionary<string, DateTime> ShardTimes(string folder)
        => Directory.Exists(Path.Combine(folder, "shards"))
            ? Directory.GetFiles(Path.Combine(folder, "shards"), "shard-*.alm").ToDictionary(p => p, File.GetLastWriteTimeUtc)
            : [];
}
