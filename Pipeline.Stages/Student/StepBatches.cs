using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Teacher;

namespace Pipeline.Stages.Student;

/// <summary>The batches of a run, as many at a time as a step sums over, with what the objectives read of them.</summary>
/// <param name="source">Batches in order; stays the caller's.</param>
/// <param name="perStep">Batches of a step.</param>
/// <param name="scores">The teacher that scores every batch anew; null where the shards' scores are used.</param>
internal sealed class StepBatches(IAsyncEnumerator<StudentBatch> source, int perStep, OnlineScores? scores)
{
    private StudentBatch? _first;

    /// <summary>The batch that comes next, which stays to be taken; null when there is none.</summary>
    public async ValueTask<StudentBatch?> PeekAsync() => _first ??= await source.MoveNextAsync().ConfigureAwait(false) ? source.Current : null;

    /// <summary>Those of the next step; null when there are not enough.</summary>
    public async ValueTask<IReadOnlyList<(StudentBatch Batch, BatchTables Tables)>?> NextAsync(
        Func<StudentBatch, BatchTables> tables, CancellationToken cancellationToken)
    {
        var batches = new List<(StudentBatch Batch, BatchTables Tables)>(perStep);
        while (batches.Count < perStep)
        {
            if (await PeekAsync().ConfigureAwait(false) is not { } batch) return null;
            _first = null;
            if (scores is not null) batch = await scores.ScoreAsync(batch, cancellationToken).ConfigureAwait(false);
            batches.Add((batch, tables(batch)));
        }
        return batches;
    }
}
