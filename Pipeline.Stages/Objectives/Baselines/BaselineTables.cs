using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>
/// Token ids, masks and chunks of both sides, for the baselines, which run a teacher alongside the student. N = rows · length flat student positions,
/// M = rows · teacher length flat teacher positions.
/// </summary>
internal sealed record BaselineTables
{
    public required int Rows { get; init; }

    /// <summary>T, the number of student positions in a row with its padding.</summary>
    public required int Length { get; init; }

    /// <summary>Tt, the number of teacher positions in a row with its padding.</summary>
    public required int TeacherLength { get; init; }

    /// <summary>[N] student token ids; 0 at padding.</summary>
    public required long[] Ids_N { get; init; }

    /// <summary>[N] whether a position has a student token.</summary>
    public required bool[] Real_N { get; init; }

    /// <summary>[N] whether the token counts in the student's loss mask.</summary>
    public required bool[] Counts_N { get; init; }

    /// <summary>[M] teacher token ids; 0 at padding.</summary>
    public required long[] Ids_M { get; init; }

    /// <summary>[M] whether a position has a teacher token.</summary>
    public required bool[] Real_M { get; init; }

    /// <summary>[M] whether the token counts in the teacher's loss mask.</summary>
    public required bool[] Counts_M { get; init; }

    /// <summary>All chunks of the alignment, in flat positions of both sides. Starts are inclusive and ends exclusive.</summary>
    public required Chunk[] Chunks { get; init; }

    /// <summary>The tables of a batch of examples that are padded to <paramref name="length"/> student tokens.</summary>
    public static BaselineTables From(IReadOnlyList<Example> examples, int length)
    {
        int rows = examples.Count, teacherLength = examples.Max(e => e.Teacher?.Tokens.Count ?? 0);
        var tables = new BaselineTables
        {
            Rows = rows,
            Length = length,
            TeacherLength = teacherLength,
            Ids_N = new long[rows * length],
            Real_N = new bool[rows * length],
            Counts_N = new bool[rows * length],
            Ids_M = new long[rows * teacherLength],
            Real_M = new bool[rows * teacherLength],
            Counts_M = new bool[rows * teacherLength],
            Chunks = [.. examples.SelectMany((e, row) => e.Chunks.Select(c => new Chunk(
                c.TeacherStart + row * teacherLength, c.TeacherEnd + row * teacherLength, c.StudentStart + row * length, c.StudentEnd + row * length)))],
        };
        for (int row = 0; row < rows; row++)
        {
            Fill(examples[row].Student, row * length, tables.Ids_N, tables.Real_N, tables.Counts_N);
            if (examples[row].Teacher is { } teacher)
                Fill(teacher.Tokens, row * teacherLength, tables.Ids_M, tables.Real_M, tables.Counts_M);
        }
        return tables;
    }

    private static void Fill(TokenSequence tokens, int at, long[] ids, bool[] real, bool[] counts)
    {
        for (int i = 0; i < tokens.Count; i++)
        {
            ids[at + i] = tokens.Ids[i];
            real[at + i] = true;
            counts[at + i] = tokens.Counts(i);
        }
    }
}
