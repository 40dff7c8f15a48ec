using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>Next bytes of a teacher under kill -9, and the memory that they and a student of them need.</summary>
[Collection(TinyJobTests.Name)]
public sealed class NextBytesTests(TinyJob job, ITestOutputHelper output)
{
    // As for scores: the fast form ends while the process still warms up.
    private const double PromiseWarmingUp = 1.15, Promise = 1.05;

    [Theory]
    [InlineData("trunk")]
    [InlineData("exact")]
    public void Killed_at_random_moments_a_run_of_next_bytes_ends_with_the_same_bytes(string view)
    {
        string definition = job.Write($"next-{view}.json", job.NextBytes(view));
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        SortedDictionary<string, string> expected = job.Clean(definition);
        TimeSpan whole = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        Assert.Equal(TinyJob.Shards, expected.Keys.Count(k => k.EndsWith(".alm", StringComparison.Ordinal)));
        Assert.Contains("student/model.safetensors", expected.Keys);

        int wanted = FaultCounts.Of(2, 40), kills = 0, starts = 0;
        var random = new Random(view.Length);
        while (kills < wanted)
        {
            string folder = job.NewFolder("next-killed");
            for (bool done = false; !done;)
            {
                starts++;
                using AlmChild child = AlmChild.Run(TinyJob.Arguments(definition, folder));
                AlmEnd? end = kills < wanted ? KillTests.EndOrKill(child, (0.2 + (0.8 * random.NextDouble())) * whole) : child.End();
                kills += end is null ? 1 : 0;
                done = end is { Code: ExitCodes.Success };
                Assert.True(end is null || done, end?.ToString());
            }
            TinyJob.AssertSame(expected, folder, $"{kills} kills");
            Directory.Delete(folder, recursive: true);
        }
        output.WriteLine($"{view}: {kills} kills in {starts} starts; a run takes {whole.TotalSeconds:F1} s");
    }

    [Fact]
    public void Scoring_next_bytes_of_many_times_the_input_needs_as_much_memory()
    {
        int documents = FaultCounts.Of(1500, 20_000), times = FaultCounts.Of(4, 10);
        Compare(Peak(Scoring(documents), Plain), Peak(Scoring(documents * times), Plain), $"{times} times the input");
    }

    [Fact]
    public void Training_on_next_bytes_for_many_times_the_steps_needs_as_much_memory()
    {
        // With the small heap: what is kept must fit into it, or the run ends out of memory. By itself the collector lets tens of MiB of new objects pile
        // up now and then, and the longer a run the surer it meets such a moment, which looks like growth and may hide it.
        int steps = FaultCounts.Of(100, 3000), times = FaultCounts.Of(4, 10);
        Compare(Peak(Training(steps), AlmChild.Measured), Peak(Training(steps * times), AlmChild.Measured), $"{times} times the {steps} steps");
    }

    private string Scoring(int documents) => job.Write($"next-scoring-{documents}.json", job.NextBytes(
        "exact", job.Text(corpus: job.WriteCorpus($"next-scoring-{documents}.jsonl", documents), distill: false, scoreWindow: 128, blockRecords: 256)));

    private string Training(int steps) => job.Write($"next-training-{steps}.json", job.NextBytes("trunk", job.Text(steps: steps, checkpointEvery: 50)));

    private static AlmChild Plain(string[] arguments) => AlmChild.Faulty(["measure", .. arguments]);

    private double? Peak(string definition, Func<string[], AlmChild> start)
    {
        using AlmChild child = start(TinyJob.Arguments(definition, job.NewFolder("measured")));
        AlmEnd end = child.End(TimeSpan.FromMinutes(20));
        Assert.True(end.Code == ExitCodes.Success, end.ToString());
        return PeakMemory.MiB(end.Output);
    }

    private void Compare(double? one, double? many, string what)
    {
        if (one is null || many is null)
        {
            output.WriteLine("skipped: the peak memory of a process is read from /proc");
            return;
        }
        output.WriteLine($"{one:F1} MiB, with {what} {many:F1} MiB: × {many / one:F3}");
        Assert.InRange(many.Value / one.Value, 0, FaultCounts.Of(PromiseWarmingUp, Promise));
    }
}
