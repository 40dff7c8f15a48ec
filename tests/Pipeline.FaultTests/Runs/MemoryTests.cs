using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>The bar, item 12: what a process needs does not depend on how much it has to do.</summary>
[Collection(TinyJobTests.Name)]
public sealed class MemoryTests(TinyJob job, ITestOutputHelper output)
{
    private const double Promise = 1.05;

    [Fact]
    public void Scoring_many_times_the_input_needs_as_much_memory()
    {
        // Large enough that the queues of the smaller input are full, the code is compiled and the native heap has its size.
        int documents = FaultCounts.Of(8000, 12_000);
        int times = FaultCounts.Of(4, 20);
        double? one = Peak(Scoring(documents)), many = Peak(Scoring(documents * times));
        Compare(one, many, $"{times} times the input");
    }

    [Fact]
    public void Training_many_times_the_steps_needs_as_much_memory()
    {
        int times = FaultCounts.Of(4, 10);
        double? one = Peak(Training(100)), many = Peak(Training(100 * times));
        Compare(one, many, $"{times} times the steps");
    }

    private string Scoring(int documents)
        => job.Write($"scoring-{documents}.json", job.Text(corpus: job.WriteCorpus($"scoring-{documents}.jsonl", documents), distill: false, scoreWindow: 128));

    private string Training(int steps) => job.Write($"training-{steps}.json", job.Text(steps: steps, checkpointEvery: 50));

    private double? Peak(string definition)
    {
        using AlmChild child = AlmChild.Measured(TinyJob.Arguments(definition, job.NewFolder("measured")));
        AlmEnd end = child.End(TimeSpan.FromMinutes(10));
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
        Assert.InRange(many.Value / one.Value, 0, Promise);
    }
}
