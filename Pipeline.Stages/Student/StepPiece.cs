using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.Student;

/// <summary>One of the batches that a step sums over.</summary>
/// <param name="Batch">Its rows, on every rank.</param>
/// <param name="Tables">What the objectives read of it; null for a batch of another rank that nobody here reads.</param>
/// <param name="IsMine">Whether this rank computes it.</param>
internal sealed record StepPiece(StudentBatch Batch, BatchTables? Tables, bool IsMine);

/// <summary>
/// How the batches of a step are shared: they are cut into slots, each of <paramref name="Accumulate"/> batches in a row, and every rank has as many
/// slots as the others, in a row too. The sums over slots go by a tree, so that the result depends on the slots and not on the ranks.
/// </summary>
internal readonly record struct StepSlots(int Slots, int Accumulate, int Rank, int Ranks)
{
    public int Pieces => Slots * Accumulate;

    public int Mine => Slots / Ranks;

    public int First => Rank * Mine;

    public int SlotOf(int piece) => piece / Accumulate;

    public int RankOf(int slot) => slot / Mine;

    public bool IsMine(int piece) => RankOf(SlotOf(piece)) == Rank;
}
