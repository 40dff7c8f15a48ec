namespace Pipeline.Contracts.Records;

/// <summary>Sizes of the parts of records, in bytes.</summary>
internal static class RecordWeight
{
    /// <summary>An object, its references and its numbers.</summary>
    public const long Overhead = 64;

    public static long Of(string? text) => 2L * (text?.Length ?? 0);

    /// <summary>Ids, byte ends, units and loss mask.</summary>
    public static long Of(TokenSequence tokens) => 11L * tokens.Count;

    public static long Of(Chunk[] chunks) => 16L * chunks.Length;

    public static long Of(TeacherView teacher)
        => Of(teacher.Tokens) + 8L * teacher.Scores.NegLogLikelihood.Length + 2L * (teacher.Hidden?.Values.Length ?? 0)
            + (teacher.Bytes is { } bytes ? 5L * bytes.Symbols.Length + 12L * bytes.Rows : 0);
}
