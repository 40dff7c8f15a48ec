using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives.Baselines;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// Everything the objectives read of a batch's records, as index lists and flat arrays; made once per batch, off the device's
/// thread. N = Rows · Length flat student positions.
/// </summary>
internal sealed record BatchTables
{
    public required int Rows { get; init; }

    /// <summary>T: student positions per row, padding included.</summary>
    public required int Length { get; init; }

    /// <summary>[N] 1 where a student token is scored and counts in the loss mask.</summary>
    public required float[] TargetMask_N { get; init; }

    /// <summary>Sum of the target mask.</summary>
    public required double Targets { get; init; }

    /// <summary>Chunks of the ALM objective; null when it is not used.</summary>
    public ChunkBatch? Alm { get; init; }

    /// <summary>Next bytes; null when no objective reads them.</summary>
    public ByteTables? Bytes { get; init; }

    /// <summary>Chunks of the hidden-state alignment with cached teacher states; null when it is not used.</summary>
    public LatentTables? Latents { get; init; }

    /// <summary>What the baselines with a teacher beside the student read; null when none is used.</summary>
    public BaselineTables? Baselines { get; init; }

    /// <summary>The tables of a batch of examples padded to <paramref name="length"/> student tokens.</summary>
    /// <param name="examples">[B] rows no longer than <paramref name="length"/>.</param>
    /// <param name="length">T.</param>
    /// <param name="options">Which objectives are used.</param>
    /// <param name="bias">Matrices of the 'unbiased' chunk kind, when it is used.</param>
    /// <param name="bytesOf">Bytes that a student's token spells; only the objectives of next bytes ask.</param>
    public static BatchTables From(IReadOnlyList<Example> examples, int length, ObjectivesOptions options, TokenPairBias? bias = null, Func<int, int>? bytesOf = null)
    {
        var mask = new float[examples.Count * length];
        long targets = 0;
        for (int row = 0; row < examples.Count; row++)
        {
            TokenSequence student = examples[row].Student;
            if (student.Count > length)
                throw new InvalidOperationException($"document {examples[row].Id}: {student.Count} student tokens in a batch of length {length}");
            for (int i = 1; i < student.Count; i++)
            {
                if (!student.Counts(i))
                    continue;
                mask[row * length + i] = 1;
                targets++;
            }
        }
        var tables = new BatchTables { Rows = examples.Count, Length = length, TargetMask_N = mask, Targets = targets };
        var inputs = new TableInputs(examples, length, bias, bytesOf);
        return ObjectiveTable.Of(options).Aggregate(tables, (with, row) => row.AddTables(options, inputs, with));
    }

    /// <summary>With what the baselines read, made once for all of them.</summary>
    internal BatchTables WithBaselines(TableInputs inputs)
        => Baselines is null ? this with { Baselines = BaselineTables.From(inputs.Examples, inputs.Length) } : this;
}
