namespace Pipeline.Stages.Evaluation;

/// <summary>
/// Bits per byte: −Σ log2 p(token), divided by the number of bytes of the text. Models with different tokenizers can be compared by it, because
/// the length of the text in bytes does not depend on a tokenizer.
/// </summary>
internal static class BitsPerByte
{
    /// <summary>The cost of a byte for which the model gives no probability: a byte of the first token, under a model with neither bos nor eos.</summary>
    public const double UnscoredByteBits = 8;

    /// <summary>The bits that a text costs.</summary>
    /// <param name="logLikelihood">Σ log p(token) in nats, over the tokens that have a score.</param>
    /// <param name="unscoredBytes">How many bytes belong to tokens without a score.</param>
    public static double Bits(double logLikelihood, long unscoredBytes) => (-logLikelihood / Math.Log(2)) + (UnscoredByteBits * unscoredBytes);

    /// <summary>Bits divided by bytes; NaN where there is no text.</summary>
    public static double Of(double bits, long bytes) => bits / bytes;

    /// <summary>
    /// The share of the gap between the untrained student and the teacher that training closed: (before − after) / (before − teacher), all in bits per
    /// byte. Null where the student began no worse than its teacher, so that there was no gap.
    /// </summary>
    public static double? GapClosed(double before, double after, double teacher)
        => before > teacher ? (before - after) / (before - teacher) : null;
}
