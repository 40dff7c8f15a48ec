using System.Diagnostics;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>The bar, item 1: kill -9 at random moments over a whole run of the real program.</summary>
[Collection(TinyJobTests.Name)]
public sealed class KillTests(TinyJob job, ITestOutputHelper output)
{
    private readonly SortedDictionary<string, string> _expected = job.Expected;
    private int _kills, _runs, _repeated, _starts;

    [Fact]
    public async Task Killed_at_random_moments_a_run_ends_with_the_bytes_of_an_undisturbed_one()
    {
        int wanted = FaultCounts.Of(5, 200), chains = FaultCounts.Of(1, 2);
        Assert.Contains(_expected.Keys, k => k == "student/model.safetensors");
        Assert.Equal(TinyJob.Shards, _expected.Keys.Count(k => k.EndsWith(".alm", StringComparison.Ordinal)));
        TimeSpan whole = Duration();

        // Each chain has folders of its own, so that both cores are at work.
        Task[] all = [.. Enumerable.Range(0, chains).Select(seed => Task.Factory.StartNew(
            () => Chain(new Random(seed), wanted / chains, whole), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        await Task.WhenAll(all);

        output.WriteLine($"{_kills} kills in {_starts} starts of {_runs} runs; a run takes {whole.TotalSeconds:F1} s; {_repeated} steps were computed again");
        Assert.Equal(wanted, _kills);
    }

    private void Chain(Random random, int wanted, TimeSpan whole)
    {
        for (int kills = 0; kills < wanted;)
        {
            int run = Interlocked.Increment(ref _runs);
            string folder = job.NewFolder("killed");
            long stepsBefore = 0;
            for (bool done = false; !done;)
            {
                Interlocked.Increment(ref _starts);
                Dictionary<string, DateTime> shardsBefore = ShardTimes(folder);
                using AlmChild child = AlmChild.Run(TinyJob.Arguments(job.Definition, folder));
                AlmEnd? end = kills < wanted ? EndOrKill(child, random.NextDouble() * whole) : child.End();
                if (end is null)
                {
                    kills++;
                    Interlocked.Increment(ref _kills);
                }
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
                    Assert.InRange(again, -1, TinyJob.CheckpointEvery);
                    Interlocked.Add(ref _repeated, (int)Math.Max(again, 0));
                }
                stepsBefore = steps.Length;
            }
            TinyJob.AssertSame(_expected, folder, $"run {run}");
            Directory.Delete(folder, recursive: true);
        }
    }

    private TimeSpan Duration()
    {
        string folder = job.NewFolder("timed");
        long start = Stopwatch.GetTimestamp();
        using AlmChild child = AlmChild.Run(TinyJob.Arguments(job.Definition, folder));
        AlmEnd end = child.End();
        Assert.True(end.Code == 0, end.ToString());
        TinyJob.AssertSame(_expected, folder, "a second undisturbed run");
        return Stopwatch.GetElapsedTime(start);
    }

    /// <returns>Null when it was killed, even when it had just written its last byte.</returns>
    internal static AlmEnd? EndOrKill(AlmChild child, TimeSpan after)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < after && !child.HasExited)
            Thread.Sleep(1);
        if (child.HasExited)
            return child.End();
        // It may end by itself before the signal comes; only a process that the signal ended was killed.
        AlmEnd end = child.Kill();
        return end.Code == AlmEnd.Killed ? null : end;
    }

    private static Dictionary<string, DateTime> ShardTimes(string folder)
        => Directory.Exists(Path.Combine(folder, "shards"))
            ? Directory.GetFiles(Path.Combine(folder, "shards"), "shard-*.alm").ToDictionary(p => p, File.GetLastWriteTimeUtc)
            : [];
}
