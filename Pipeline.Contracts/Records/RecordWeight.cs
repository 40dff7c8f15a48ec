namespace Pipeline.Contracts.Records;

/// <summary>How many bytes of memory the parts of records take, roughly.</summary>
internal static class RecordWeight
{
    /// <summary>An object with its references and its numbers.</summary>
    public const long Overhead = 64;

    public static long Of(string? text) => 2L * (text?.Length ?? 0);

    /// <summary>For each token 4 bytes of id, 4 of byte end, 2 of unit and 1 of loss mask.</summary>
    public static long Of(TokenSequence tokens) => 11L * tokens.Count;

    public static long Of(Chunk[] chunks) => 16L * chunks.Length;

    public static long Of(TeacherView teacher)
        => Of(teacher.Tokens) + 8L * teacher.Scores.NegLogLikelihood.Length + 2L * (teacher.Hidden?.Values.Length ?? 0)
            + (teacher.Bytes is { } bytes ? 5L * bytes.Symbols.Length + 12L * bytes.Rows : 0);
}
