using System.Diagnostics;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>Parts of a flow done by several processes of the real program: at once, killed, repeated, twice the same.</summary>
[Collection(TinyJobTests.Name)]
public sealed class WorkTests(TinyJob job, ITestOutputHelper output)
{
    [Fact]
    public void Two_processes_at_once_give_the_shards_of_a_run()
    {
        string folder = job.NewFolder("worked");
        using AlmChild first = Work(folder, "0/2"), second = Work(folder, "1/2");
        AssertDone(first.End(), second.End());
        Assert.Equal(Shards(job.Expected), Shards(TinyJob.Results(folder)));
        Finish(folder, "two processes", computes: 0);
    }

    [Fact]
    public void Two_that_do_the_same_parts_at_once_beside_a_run_all_end_well_with_the_same_bytes()
    {
        string folder = job.NewFolder("twice");
        using AlmChild run = AlmChild.Run(TinyJob.Arguments(job.Definition, folder));
        using AlmChild first = Work(folder, "0/1"), second = Work(folder, "0/1");
        AssertDone(first.End(), second.End(), run.End());
        TinyJob.AssertSame(job.Expected, folder, "the same parts at once");
        AssertCounts(folder);
    }

    [Fact]
    public async Task Killed_at_random_moments_and_repeated_workers_leave_the_shards_of_a_run()
    {
        int wanted = FaultCounts.Of(4, 100), kills = 0;
        long start = Stopwatch.GetTimestamp();
        using (AlmChild timed = Work(job.NewFolder("timed"), "0/2"))
            AssertDone(timed.End());
        TimeSpan whole = Stopwatch.GetElapsedTime(start);
        for (int round = 0; kills < wanted; round++)
        {
            string folder = job.NewFolder("killed");
            await Task.WhenAll(Chain(folder, "0/2", new Random(2 * round)), Chain(folder, "1/2", new Random((2 * round) + 1)));
            Finish(folder, $"kills of round {round}", computes: 0);
            Directory.Delete(folder, recursive: true);
        }
        output.WriteLine($"{kills} kills; a share takes {whole.TotalSeconds:F1} s");

        Task Chain(string folder, string parts, Random random) => Task.Factory.StartNew(
            () =>
            {
                for (bool done = false; !done;)
                {
                    using AlmChild child = Work(folder, parts);
                    if (Volatile.Read(ref kills) < wanted && KillTests.EndOrKill(child, random.NextDouble() * whole) is not { } ended)
                    {
                        Interlocked.Increment(ref kills);
                        continue;
                    }
                    AssertDone(child.End());
                    done = true;
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private AlmChild Work(string folder, string parts)
        => AlmChild.Run("work", job.Definition, "--run", folder, "--plain", "--flow", "score", "--parts", parts);

    /// <summary>The run takes what the workers left, and nobody sees that it was not alone.</summary>
    private void Finish(string folder, string after, int computes)
    {
        AlmEnd end = InProcess.Run(TinyJob.Arguments(job.Definition, folder));
        Assert.True(end.Code == ExitCodes.Success, end.ToString());
        Assert.Equal(computes, end.Output.Split('\n').Count(l => l.Contains("is committed", StringComparison.Ordinal)));
        TinyJob.AssertSame(job.Expected, folder, after);
        AssertCounts(folder);
    }

    private static void AssertCounts(string folder)
    {
        JsonArray stages = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "report.json")))!["flows"]!["score"]!["stages"]!.AsArray();
        Assert.Equal(TinyJob.Documents, (int)stages[0]!["in"]!);
        Assert.Equal(TinyJob.Documents, (int)stages[^1]!["passed"]!);
        Assert.Equal(TinyJob.Shards, Directory.GetFiles(Path.Combine(folder, "parts", "score"), "*.jsonl").Length);
    }

    private static void AssertDone(params AlmEnd[] ends) => Assert.All(ends, e => Assert.True(e.Code == ExitCodes.Success, e.ToString()));

    private static IEnumerable<KeyValuePair<string, string>> Shards(SortedDictionary<string, string> files)
        => files.Where(f => f.Key.EndsWith(".alm", StringComparison.Ordinal));
}
