using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.Student;

/// <summary>One of the batches that a step sums over.</summary>
/// <param name="Batch">The rows of the batch. Every rank has them.</param>
/// <param name="Tables">What the objectives read of the batch; null for a batch of another rank that nothing reads here.</param>
/// <param name="IsMine">Whether this rank computes the batch.</param>
internal sealed record StepPiece(StudentBatch Batch, BatchTables? Tables, bool IsMine);

/// <summary>
/// How the batches of a step are shared. They are divided into slots of <paramref name="Accumulate"/> consecutive batches, and every rank computes
/// the same number of consecutive slots. Sums over slots are computed as a tree, so that the result depends on the number of slots and not on the
/// number of ranks.
/// </summary>
/// <param name="Slots">The number of slots, a power of two.</param>
/// <param name="Accumulate">The number of batches in a slot.</param>
/// <param name="Rank">This process.</param>
/// <param name="Ranks">The number of processes, which divides the number of slots.</param>
internal readonly record struct StepSlots(int Slots, int Accumulate, int Rank, int Ranks)
{
    /// <summary>The number of batches in a step.</summary>
    public int Pieces => Slots * Accumulate;

    /// <summary>The number of slots that each rank computes.</summary>
    public int Mine => Slots / Ranks;

    /// <summary>The first slot of this rank.</summary>
    public int First => Rank * Mine;

    public int SlotOf(int piece) => piece / Accumulate;

    public int RankOf(int slot) => slot / Mine;

    public bool IsMine(int piece) => RankOf(SlotOf(piece)) == Rank;
}
