using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// The chunks of all rows of a batch, in order, by index. C chunks; N = Rows · Length flat student positions, row-major.
/// </summary>
internal sealed record ChunkBatch
{
    public required int Rows { get; init; }

    /// <summary>T: student positions per row, padding included.</summary>
    public required int Length { get; init; }

    /// <summary>[C] the row of each chunk, ascending.</summary>
    public required int[] RowOf { get; init; }

    /// <summary>[C] the chunk's number in its row: what blocks of several chunks are counted by.</summary>
    public required int[] Column { get; init; }

    /// <summary>[C] teacher log-likelihood of the chunk, ≤ 0.</summary>
    public required float[] TeacherLogLikelihood { get; init; }

    /// <summary>[C] teacher log boundary mass after the chunk, ≤ 0.</summary>
    public required float[] TeacherLogBoundary { get; init; }

    /// <summary>[C] teacher tokens in the chunk.</summary>
    public required int[] TeacherTokens { get; init; }

    /// <summary>[C] position in its row of the chunk's last teacher token.</summary>
    public required int[] TeacherLast { get; init; }

    /// <summary>[C] index in the example's chunks of the last one in this chunk: cached hidden states are found by it.</summary>
    public required int[] Source { get; init; }

    /// <summary>[N] the chunk each student position belongs to, -1 for none.</summary>
    public required int[] ChunkOfPosition { get; init; }

    /// <summary>[C] flat position of the chunk's last student token.</summary>
    public required int[] LastPosition { get; init; }

    /// <summary>Chunks of the alignment (joined by the chunk kind) that do not count: unscored, masked, or the beginning of the sequence.</summary>
    public required int Excluded { get; init; }

    /// <summary>Chunks merged into the next one because the bounds on their boundary mass lie on both sides of γ.</summary>
    public int Straddling { get; init; }

    public int Count => RowOf.Length;

    public int Positions => Rows * Length;

    /// <summary>The chunks of a batch of examples padded to <paramref name="length"/> student tokens.</summary>
    public static ChunkBatch From(IReadOnlyList<Example> examples, int length, ChunkRules rules)
    {
        var builder = new ChunkBatchBuilder(examples.Count, length);
        for (int row = 0; row < examples.Count; row++)
            builder.Add(row, ChunkSelection.Of(examples[row], rules, out int excluded), rules.Gamma, excluded);
        return builder.Build();
    }
}
