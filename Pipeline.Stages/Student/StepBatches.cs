using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Teacher;

namespace Pipeline.Stages.Student;

/// <summary>The batches of a run, as many at a time as a step sums over, with what the objectives read of them.</summary>
/// <param name="source">Batches in order, the same on every rank; stays the caller's.</param>
/// <param name="slots">How many a step takes, and which of them are this rank's.</param>
/// <param name="scores">The teacher that scores every batch during training; null if the shards' scores are used.</param>
internal sealed class StepBatches(IAsyncEnumerator<StudentBatch> source, StepSlots slots, OnlineScores? scores)
{
    private StudentBatch? _first;

    /// <summary>The batch that comes next, which stays to be taken; null when there is none.</summary>
    public async ValueTask<StudentBatch?> PeekAsync() => _first ??= await source.MoveNextAsync().ConfigureAwait(false) ? source.Current : null;

    /// <summary>Those of the next step; null when there are not enough.</summary>
    /// <param name="tables">Makes the tables of a batch.</param>
    /// <param name="ofAll">Whether an objective reads the tables of other ranks' batches too.</param>
    /// <param name="cancellationToken">Ends the wait for a teacher.</param>
    public async ValueTask<IReadOnlyList<StepPiece>?> NextAsync(Func<StudentBatch, BatchTables> tables, bool ofAll, CancellationToken cancellationToken)
    {
        var pieces = new List<StepPiece>(slots.Pieces);
        while (pieces.Count < slots.Pieces)
        {
            if (await PeekAsync().ConfigureAwait(false) is not { } batch) return null;
            _first = null;
            bool isMine = slots.IsMine(pieces.Count);
            if (isMine && scores is not null) batch = await scores.ScoreAsync(batch, cancellationToken).ConfigureAwait(false);
            pieces.Add(new StepPiece(batch, isMine || ofAll ? tables(batch) : null, isMine));
        }
        return pieces;
    }
}
