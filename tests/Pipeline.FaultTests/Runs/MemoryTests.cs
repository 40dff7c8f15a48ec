using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>The bar, item 12: what a process needs does not depend on how much it has to do.</summary>
[Collection(TinyJobTests.Name)]
public sealed class MemoryTests(TinyJob job, ITestOutputHelper output)
{
    private const double Promise = 1.05;

    // The fast form ends while the process still warms up: 1.03 to 1.06 were seen. What grew with the input would be four times as much.
    private const double PromiseWarmingUp = 1.15;

    [Fact]
    public void Scoring_many_times_the_input_needs_as_much_memory()
    {
        // Large enough that queues are full, code is compiled and the native heap has its size: that takes some seconds, and ends. With 20,000
        // documents, 2 s on an idle machine, × 1.059 was seen.
        int documents = FaultCounts.Of(8000, 60_000);
        int times = FaultCounts.Of(4, 20);
        double? one = Peak(Scoring(documents), AlmChild.Measured), many = Peak(Scoring(documents * times), AlmChild.Measured);
        Compare(one, many, $"{times} times the input", FaultCounts.Of(PromiseWarmingUp, Promise));
    }

    [Fact]
    public void Training_many_times_the_steps_needs_as_much_memory()
    {
        // Warm-up takes some hundred steps and more: methods are compiled again, the native heap and the collector's budgets get their size. With
        // 1,000 steps, some seconds on an idle machine, × 1.051 was seen.
        int steps = FaultCounts.Of(100, 3000), times = FaultCounts.Of(4, 10);
        double? one = Peak(Training(steps), Plain), many = Peak(Training(steps * times), Plain);
        Compare(one, many, $"{times} times the {steps} steps", FaultCounts.Of(PromiseWarmingUp, Promise));
    }

    [Fact]
    public void Training_a_hypernetwork_for_many_times_the_steps_needs_as_much_memory()
    {
        // Every step draws another tokenizer: what one of them held must go.
        int steps = FaultCounts.Of(40, 1000), times = FaultCounts.Of(4, 10);
        double? one = Peak(Hypernetwork(steps), Plain), many = Peak(Hypernetwork(steps * times), Plain);
        Compare(one, many, $"{times} times the {steps} steps of a hypernetwork", FaultCounts.Of(PromiseWarmingUp, Promise));
    }

    private string Hypernetwork(int steps) => job.Write($"hypernetwork-{steps}.json", job.Hypernetwork(steps, checkpointEvery: 20));

    private string Scoring(int documents)
        => job.Write($"scoring-{documents}.json", job.Text(corpus: job.WriteCorpus($"scoring-{documents}.jsonl", documents), distill: false, scoreWindow: 128, blockRecords: 256));

    private string Training(int steps) => job.Write($"training-{steps}.json", job.Text(steps: steps, checkpointEvery: 50));

    private static AlmChild Plain(string[] arguments) => AlmChild.Faulty(["measure", .. arguments]);

    private double? Peak(string definition, Func<string[], AlmChild> start)
    {
        using AlmChild child = start(TinyJob.Arguments(definition, job.NewFolder("measured")));
        AlmEnd end = child.End(TimeSpan.FromMinutes(20));
        Assert.True(end.Code == ExitCodes.Success, end.ToString());
        return PeakMemory.MiB(end.Output);
    }

    private void Compare(double? one, double? many, string what, double promise)
    {
        if (one is null || many is null)
        {
            output.WriteLine("skipped: the peak memory of a process is read from /proc");
            return;
        }
        output.WriteLine($"{one:F1} MiB, with {what} {many:F1} MiB: × {many / one:F3}");
        Assert.InRange(many.Value / one.Value, 0, promise);
    }
}
