using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// The chunks of a batch that count, in the order of the rows, as flat arrays. C chunks; N = Rows · Length flat student positions, row-major.
/// </summary>
internal sealed record ChunkBatch
{
    public required int Rows { get; init; }

    /// <summary>T, the number of student positions in a row with its padding.</summary>
    public required int Length { get; init; }

    /// <summary>[C] the row of each chunk, ascending.</summary>
    public required int[] RowOf { get; init; }

    /// <summary>[C] the chunk's number within its row. Blocks of several chunks are counted by it.</summary>
    public required int[] Column { get; init; }

    /// <summary>[C] the teacher's log-likelihood of the chunk, at most 0.</summary>
    public required float[] TeacherLogLikelihood { get; init; }

    /// <summary>[C] the teacher's log boundary mass after the chunk, at most 0.</summary>
    public required float[] TeacherLogBoundary { get; init; }

    /// <summary>[C] the number of teacher tokens in the chunk.</summary>
    public required int[] TeacherTokens { get; init; }

    /// <summary>[C] the position, within its row, of the chunk's last teacher token.</summary>
    public required int[] TeacherLast { get; init; }

    /// <summary>[C] the index, in the example, of the last chunk of the alignment that is part of this one. Hidden states in shards are found by it.</summary>
    public required int[] Source { get; init; }

    /// <summary>[N] the chunk that each student position belongs to; -1 for none.</summary>
    public required int[] ChunkOfPosition { get; init; }

    /// <summary>[C] the flat position of the chunk's last student token.</summary>
    public required int[] LastPosition { get; init; }

    /// <summary>How many chunks do not count, after they were joined by the chunk kind: they are unscored, masked, or at the beginning of a row.</summary>
    public required int Excluded { get; init; }

    /// <summary>How many chunks were merged with the next one although the upper bound on their boundary mass is above γ.</summary>
    public int Straddling { get; init; }

    /// <summary>C.</summary>
    public int Count => RowOf.Length;

    /// <summary>N.</summary>
    public int Positions => Rows * Length;

    /// <summary>The chunks of a batch of examples that are padded to <paramref name="length"/> student tokens.</summary>
    /// <exception cref="Pipeline.Contracts.Errors.InputException">See <see cref="ChunkSelection.Of"/>.</exception>
    public static ChunkBatch From(IReadOnlyList<Example> examples, int length, ChunkRules rules)
    {
        var builder = new ChunkBatchBuilder(examples.Count, length);
        for (int row = 0; row < examples.Count; row++)
            builder.Add(row, ChunkSelection.Of(examples[row], rules, out int excluded), rules.Gamma, excluded);
        return builder.Build();
    }
}
