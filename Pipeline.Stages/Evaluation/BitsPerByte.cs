namespace Pipeline.Stages.Evaluation;

/// <summary>
/// Bits per byte: −Σ log2 p(token) over the bytes of the text that the tokens spell. Comparable between models with any tokenizer, because
/// the denominator is the text's own length.
/// </summary>
internal static class BitsPerByte
{
    /// <summary>What a byte costs that no distribution was asked about: the first token of a model with neither bos nor eos.</summary>
    public const double UnscoredByteBits = 8;

    /// <param name="logLikelihood">Σ log p(token), natural logarithm, of the tokens that have a score.</param>
    /// <param name="unscoredBytes">Bytes of text under tokens that have none.</param>
    public static double Bits(double logLikelihood, long unscoredBytes) => (-logLikelihood / Math.Log(2)) + (UnscoredByteBits * unscoredBytes);

    /// <summary>NaN for no text.</summary>
    public static double Of(double bits, long bytes) => bits / bytes;

    /// <summary>
    /// The share of the way from the student before training to its teacher that training went: (before − after) / (before − teacher).
    /// Null where the student began no worse than its teacher: there was no gap to close.
    /// </summary>
    public static double? GapClosed(double before, double after, double teacher)
        => before > teacher ? (before - after) / (before - teacher) : null;
}
