using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Teacher;

namespace Pipeline.Stages.Student;

/// <summary>Takes the batches of a run, as many at a time as one step sums over, and makes the tables that the objectives read of them.</summary>
/// <param name="source">The batches in order, the same on every rank. It is not disposed here.</param>
/// <param name="slots">How many batches a step takes, and which of them this rank computes.</param>
/// <param name="scores">The teacher that scores every batch during training; null if the scores in the shards are used.</param>
internal sealed class StepBatches(IAsyncEnumerator<StudentBatch> source, StepSlots slots, OnlineScores? scores)
{
    private StudentBatch? _first;

    /// <summary>The next batch, without taking it; null when there are no more.</summary>
    public async ValueTask<StudentBatch?> PeekAsync() => _first ??= await source.MoveNextAsync().ConfigureAwait(false) ? source.Current : null;

    /// <summary>Takes the batches of the next step; null when there are not enough left for one.</summary>
    /// <param name="tables">Makes the tables of a batch.</param>
    /// <param name="ofAll">Whether tables are made for the batches of other ranks too, because an objective reads them.</param>
    /// <param name="cancellationToken">Ends the wait for the teacher's scores.</param>
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
