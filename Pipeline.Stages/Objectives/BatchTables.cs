using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives.Baselines;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// Everything that the objectives read of a batch's records, as index lists and flat arrays. It is made once for each batch, and not on the device's
/// thread. N = Rows · Length flat student positions.
/// </summary>
internal sealed record BatchTables
{
    public required int Rows { get; init; }

    /// <summary>T, the number of student positions in a row with its padding.</summary>
    public required int Length { get; init; }

    /// <summary>[N] 1 where a student token has a score and counts in the loss mask, and 0 elsewhere.</summary>
    public required float[] TargetMask_N { get; init; }

    /// <summary>The sum of the target mask.</summary>
    public required double Targets { get; init; }

    /// <summary>The chunks of the objective <c>alm</c>; null where it is not used.</summary>
    public ChunkBatch? Alm { get; init; }

    /// <summary>The teacher's next bytes; null where no objective reads them.</summary>
    public ByteTables? Bytes { get; init; }

    /// <summary>The chunks of the objective <c>latents</c>, and the teacher's hidden states in the shards; null where it is not used.</summary>
    public LatentTables? Latents { get; init; }

    /// <summary>What the baselines read, all of which run a teacher alongside the student; null where none is used.</summary>
    public BaselineTables? Baselines { get; init; }

    /// <summary>The tables of a batch of examples that are padded to <paramref name="length"/> student tokens.</summary>
    /// <param name="examples">[B] rows of at most <paramref name="length"/> student tokens.</param>
    /// <param name="length">T.</param>
    /// <param name="options">The objectives of the run.</param>
    /// <param name="bias">See <see cref="TableInputs.Bias"/>.</param>
    /// <param name="bytesOf">See <see cref="TableInputs.BytesOf"/>.</param>
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

    /// <summary>Adds what the baselines read, unless another baseline has added it already.</summary>
    internal BatchTables WithBaselines(TableInputs inputs)
        => Baselines is null ? this with { Baselines = BaselineTables.From(inputs.Examples, inputs.Length) } : this;
}
