using System.Diagnostics;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>The bar, items 10 and 14, with the real program.</summary>
[Collection(TinyJobTests.Name)]
public sealed class SignalTests(TinyJob job, ITestOutputHelper output)
{
    private const int Interrupt = 2;
    private const int Terminate = 15;

    // The promise is 10 s to stop and 1 s to be refused, and the figures are written; a machine that is busy with other things fails nobody.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private string Long(int steps) => job.Write($"long-{steps}.json", job.Text(corpus: job.WriteCorpus("long.jsonl", 400), steps: steps, checkpointEvery: 40));

    [Theory]
    [InlineData(Terminate)]
    [InlineData(Interrupt)]
    public void A_signal_while_scoring_and_one_while_training_stop_the_run_and_change_nothing(int signal)
    {
        if (IsIgnored(signal))
        {
            // A shell's background job begins with SIGINT ignored, and so do its children: the program then rightly takes no notice of it.
            output.WriteLine($"skipped: whoever started the tests has signal {signal} ignored");
            return;
        }
        string definition = Long(120);
        SortedDictionary<string, string> expected = job.Clean(definition);
        string folder = job.NewFolder("signalled");
        string[] arguments = TinyJob.Arguments(definition, folder);

        Interrupted(arguments, signal, () => Directory.Exists(Path.Combine(folder, "shards")), "the first shard is begun");
        Assert.InRange(Directory.GetFiles(Path.Combine(folder, "shards"), "*.alm").Length, 0, TinyJob.Shards - 1);
        Interrupted(arguments, signal, () => File.Exists(Path.Combine(folder, "metrics.jsonl")), "the first step is done");
        Assert.InRange(TinyJob.StepsComputed(folder).Max(), 1, 119);
        using AlmChild last = AlmChild.Run(arguments);
        AlmEnd end = last.End();
        Assert.True(end.Code == ExitCodes.Success, end.ToString());
        TinyJob.AssertSame(expected, folder, $"two signals {signal}");
        // A stop writes a checkpoint: no step is computed twice.
        Assert.Equal(Enumerable.Range(1, 120).Select(i => (long)i), TinyJob.StepsComputed(folder));
    }

    [Fact]
    public void A_second_run_is_refused_by_name_and_after_a_kill_the_next_goes_on_at_once()
    {
        string definition = Long(100_000);
        string folder = job.NewFolder("shared");
        string[] arguments = TinyJob.Arguments(definition, folder);
        using AlmChild first = AlmChild.Run(arguments);
        first.Until(() => File.Exists(Path.Combine(folder, "metrics.jsonl")), "the first step is done");

        long start = Stopwatch.GetTimestamp();
        AlmEnd second = InProcess.Run(arguments);
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        output.WriteLine($"refused in {took.TotalMilliseconds:F0} ms");
        Assert.Equal(ExitCodes.Locked, second.Code);
        Assert.Contains($"process {first.Id} ", second.Error, StringComparison.Ordinal);
        Assert.InRange(took, TimeSpan.Zero, Limit);
        using (AlmChild third = AlmChild.Run(arguments))
        {
            AlmEnd end = third.End();
            Assert.Equal(ExitCodes.Locked, end.Code);
            Assert.Contains($"process {first.Id} ", end.Error, StringComparison.Ordinal);
        }
        Assert.False(first.HasExited);

        first.Kill();
        int steps = TinyJob.StepsComputed(folder).Length;
        using AlmChild next = AlmChild.Run(arguments);
        next.Until(() => TinyJob.StepsComputed(folder).Length > steps, "it goes on");
        next.Kill();
    }

    private static bool IsIgnored(int signal)
    {
        string? line = File.Exists("/proc/self/status") ? File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("SigIgn:", StringComparison.Ordinal)) : null;
        return line is not null && (Convert.ToUInt64(line[7..].Trim(), 16) >> (signal - 1) & 1) == 1;
    }

    private void Interrupted(string[] arguments, int signal, Func<bool> reached, string what)
    {
        using AlmChild child = AlmChild.Run(arguments);
        child.Until(reached, what);
        long start = Stopwatch.GetTimestamp();
        child.Signal(signal);
        AlmEnd end = child.End();
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        output.WriteLine($"signal {signal} when {what}: ended in {took.TotalMilliseconds:F0} ms");
        Assert.True(end.Code == ExitCodes.Interrupted, end.ToString());
        Assert.InRange(took, TimeSpan.Zero, Limit);
        Assert.Contains("run the same command again", end.Error, StringComparison.Ordinal);
        Assert.Empty(TinyJob.StagingFiles(arguments[3]));
    }
}
