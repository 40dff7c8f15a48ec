using System.Runtime.CompilerServices;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Batching;

namespace Pipeline.Stages.Student;

/// <summary>
/// Groups examples into batches. The examples of a window are sorted into batches of similar length, which are then shuffled. The shuffle depends
/// only on the seed and on where the window begins. A resumed run begins at a window, and therefore makes the same batches.
/// </summary>
internal sealed class BatchStream(BatchOptions options, int seed, int resumeAt, IStageMeter meter, IRejects rejects) : IStream<OrderedExample, StudentBatch>
{
    public static StageRegistration Registration { get; } = StageRegistration.Stream<BatchOptions, OrderedExample, StudentBatch, BatchStream>(
        "batch",
        "Groups examples of similar length into batches of at most a given number of student tokens.",
        static (o, c) => new BatchStream(o, c.Definition.Seed, c.Resume.Batch, c.Meter, c.Rejects))
        .Telling<BatchOptions>(static (o, facts) => facts with { BatchTokens = o.Tokens });

    public async IAsyncEnumerable<StudentBatch> RunAsync(
        IAsyncEnumerable<OrderedExample> input, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var window = new List<OrderedExample>(options.Window);
        int taken = resumeAt;
        await foreach (OrderedExample example in input.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            window.Add(example);
            if (window.Count < options.Window) continue;
            foreach (StudentBatch batch in Cut(window).Skip(taken)) yield return batch;
            taken = 0;
            window.Clear();
        }
        foreach (StudentBatch batch in Cut(window).Skip(taken)) yield return batch;
    }

    private List<StudentBatch> Cut(List<OrderedExample> window)
    {
        if (window.Count == 0) return [];
        long start = window[0].Index;
        // The next window begins after the last example of this one, whether or not that example is rejected below.
        long next = window[^1].Index + 1;
        var usable = new List<Example>(window.Count);
        foreach (OrderedExample ordered in window)
        {
            Example example = ordered.Example;
            if (example.Student.Count <= options.Tokens) usable.Add(example);
            else rejects.Reject(example.Id, "longer than a batch", $"{example.Student.Count} student tokens; a batch holds {options.Tokens}: raise batch.tokens or lower the limit of the tokenize stage");
        }

        int[] lengths = [.. usable.Select(e => e.Student.Count)];
        int[][] plan = [.. LengthBatches.Plan(lengths, options.Tokens)];
        new CounterRandom(CounterRandom.Key(seed, start)).Shuffle(plan.AsSpan());
        var batches = new List<StudentBatch>(plan.Length);
        for (int b = 0; b < plan.Length; b++)
        {
            Example[] rows = Array.ConvertAll(plan[b], i => usable[i]);
            StreamPosition after = b + 1 < plan.Length ? new StreamPosition(start, b + 1) : new StreamPosition(next, 0);
            var batch = new StudentBatch(rows, rows.Max(e => e.Student.Count), after);
            meter.Count("tokens", batch.Tokens);
            meter.Count("paddingTokens", (long)rows.Length * batch.Length - batch.Tokens);
            batches.Add(batch);
        }
        return batches;
    }
}
