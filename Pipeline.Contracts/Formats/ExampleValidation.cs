using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Formats;

/// <summary>Checks an example before it is written. A contradiction is a bug in the stage that made it.</summary>
internal static class ExampleValidation
{
    /// <summary>Checks that the parts of an example agree with each other.</summary>
    /// <param name="example">What is to be written.</param>
    /// <param name="version">The version of the shard.</param>
    /// <exception cref="InvalidOperationException">They do not agree.</exception>
    public static void Validate(Example example, int version)
    {
        ValidateTokens(example.Student);
        if (example.Teacher is { } teacher)
        {
            ValidateTokens(teacher.Tokens);
            (int count, TeacherScores scores) = (teacher.Tokens.Count, teacher.Scores);
            Check(
                scores.NegLogLikelihood.Length == count && (scores.NegLogBoundary?.Length ?? count) == count
                && (scores.Interval is not { } bounds || (bounds.NegLogLower.Length == count && bounds.NegLogUpper.Length == count)),
                example, "there is one score of each kind per teacher token");
            Check(scores.NegLogBoundary is not null || version > ShardFormat.FirstVersion, example, "boundary masses in a shard of the first format are known");
            Check(scores.NegLogBoundary is null || scores.Interval is null, example, "boundary masses are known or have bounds");
        }
        ChunkCodec.Validate(example.Chunks, example.Teacher?.Tokens.Count ?? 0, example.Student.Count);
        if (example.Teacher?.Hidden is { } hidden)
        {
            Check(
                hidden.Values.LongLength == (long)hidden.Layers.Length * example.Chunks.Length * hidden.Width,
                example, "hidden states have the shape layers x chunks x width");
        }
        if (example.Teacher?.Bytes is not { } bytes)
            return;
        Check(version >= ShardFormat.NextBytesVersion, example, "next bytes are only in a shard whose fingerprint says so");
        bytes.Validate(System.Text.Encoding.UTF8.GetByteCount(example.Text));
    }

    /// <summary>Roughly the most bytes that any column of an example takes, except for those of hidden states.</summary>
    public static long EstimateBytes(Example example)
    {
        long tokens = Math.Max(example.Student.Count, example.Teacher?.Tokens.Count ?? 0);
        long nextBytes = example.Teacher?.Bytes is { } bytes ? bytes.Symbols.LongLength + (2L * bytes.Rows) : 0;
        return Math.Max(Math.Max(nextBytes, 3L * example.Text.Length), Math.Max(5 * tokens, 20L * example.Chunks.Length)) + 64;
    }

    private static void ValidateTokens(TokenSequence tokens)
    {
        tokens.Validate();
        if (tokens.Count > 0 && tokens.ByteEnds[0] < 0)
            throw new InvalidOperationException($"token sequence: byte end {tokens.ByteEnds[0]} of token 0 is negative");
    }

    private static void Check(bool condition, Example example, string rule)
    {
        if (!condition)
            throw new InvalidOperationException($"example {example.Id}: expected that {rule}");
    }
}
