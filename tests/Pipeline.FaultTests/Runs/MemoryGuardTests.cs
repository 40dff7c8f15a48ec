using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>A process that gets no more memory ends with a message that says where, and what to lower; with room the run goes on.</summary>
[Collection(TinyJobTests.Name)]
public sealed class MemoryGuardTests(TinyJob job, ITestOutputHelper output)
{
    // Of one allocation alone the batches below ask for more.
    private const int MoreMiB = 96;

    [Fact]
    public void When_torch_gets_no_memory_for_a_batch_of_the_teacher_the_batch_and_the_option_are_named()
    {
        string definition = job.Write("greedy.json", job.Text(corpus: job.WriteCorpus("greedy.jsonl", 6000), distill: false, shards: 1, scoreBatch: 1 << 22, scoreWindow: 6000));
        AlmEnd? end = Limited(".alm", definition);
        if (end is null)
            return;
        Assert.Equal(ExitCodes.Memory, end.Code);
        Assert.Matches("stage 'score-teacher', batch of [0-9]+ documents of up to [0-9]+ tokens starting with [0-9a-f]{16}:[0-9]+", end.Error);
        Assert.Matches("torch (asked for|could get no more)", end.Error);
        Assert.Contains("lower batchTokens (now 4194304)", end.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void When_torch_gets_no_memory_for_a_step_the_step_and_the_option_are_named()
    {
        string definition = job.Write("hungry.json", job.Text(corpus: job.WriteCorpus("hungry.jsonl", 9000), shards: 1, batchTokens: 1 << 20, batchWindow: 9000));
        AlmEnd? end = Limited("metrics.jsonl", definition);
        if (end is null)
            return;
        Assert.Equal(ExitCodes.Memory, end.Code);
        Assert.Matches("stage 'update-student', step [0-9]+, batch of [0-9]+ documents of up to [0-9]+ tokens starting with [0-9a-f]{16}:[0-9]+", end.Error);
        Assert.Matches("torch (asked for|could get no more)", end.Error);
        Assert.Contains("lower 'tokens' of batch", end.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void When_the_collector_gets_no_memory_the_stage_and_what_to_lower_are_named()
    {
        string corpus = job.Write("long-line.jsonl", $"{{\"text\": \"{new string('x', 40 << 20)}\"}}\n");
        string definition = job.Write("long-line.json", job.Text(corpus: corpus, distill: false, maxDocumentBytes: 1 << 28));
        // A heap of 24 MiB, and a line of 40.
        using AlmChild child = AlmChild.Measured(TinyJob.Arguments(definition, job.NewFolder("long-line")));
        AlmEnd end = child.End();
        output.WriteLine(end.Error);
        Assert.Equal(ExitCodes.Memory, end.Code);
        Assert.Contains("stage 'read-jsonl': out of memory", end.Error, StringComparison.Ordinal);
        Assert.Contains("lower", end.Error, StringComparison.Ordinal);
    }

    private AlmEnd? Limited(string from, string definition)
    {
        if (!OperatingSystem.IsLinux())
        {
            output.WriteLine("skipped: the memory of a process is limited by setrlimit of Linux");
            return null;
        }
        string folder = job.NewFolder("limited");
        using AlmChild child = AlmChild.Faulty(["limited", from, $"{MoreMiB}", .. TinyJob.Arguments(definition, folder)]);
        AlmEnd end = child.End();
        output.WriteLine(end.Error);
        Assert.Empty(TinyJob.StagingFiles(folder));
        return end;
    }
}
