namespace Pipeline.Contracts.Formats;

/// <summary>Bits that a teacher's score keeps in a shard. All are float16 values on disk; fewer bits compress to fewer bytes.</summary>
public enum ScorePrecision
{
    /// <summary>float16: a relative error of at most 2^-11.</summary>
    Bits16,

    /// <summary>Five bits of exponent, seven of mantissa, no sign: at most 2^-8.</summary>
    Bits12,

    /// <summary>Four bits of exponent, four of mantissa, no sign: at most 2^-5 from 2^-10 to 62 nats, 2^-15 nats below.</summary>
    Bits8,
}

/// <summary>Scores to the nearest value that their precision has, ties to even.</summary>
internal static class ScoreRounding
{
    // The smallest normal exponent of four bits that reach up to 2^5, and what its subnormals are multiples of.
    private const float LeastNormal8 = 1f / (1 << 10);
    private const float Step8 = LeastNormal8 / (1 << 4);

    /// <param name="score">A negative logarithm. NaN stays NaN; what is larger than the largest finite value becomes that.</param>
    /// <param name="precision">Of the result.</param>
    public static Half Round(float score, ScorePrecision precision) => precision switch
    {
        ScorePrecision.Bits16 => ToHalf(score),
        ScorePrecision.Bits12 => KeepMantissa(ToHalf(score), 7, Half.MaxValue),
        ScorePrecision.Bits8 when score < LeastNormal8 => (Half)(MathF.Round(score / Step8) * Step8),
        ScorePrecision.Bits8 => KeepMantissa(ToHalf(score), 4, (Half)62),
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "no such precision"),
    };

    private static Half ToHalf(float score) => (Half)Math.Clamp(score, (float)Half.MinValue, (float)Half.MaxValue);

    private static Half KeepMantissa(Half score, int bits, Half largest)
    {
        if (Half.IsNaN(score))
            return score;
        // Adding to the bit pattern carries into the exponent, which is what rounding up at a power of two is.
        int dropped = 10 - bits;
        int pattern = BitConverter.HalfToUInt16Bits(score);
        int up = (1 << (dropped - 1)) - 1 + ((pattern >> dropped) & 1);
        Half most = BitConverter.UInt16BitsToHalf((ushort)(BitConverter.HalfToUInt16Bits(largest) >> dropped << dropped));
        return Half.Min(BitConverter.UInt16BitsToHalf((ushort)((pattern + up) >> dropped << dropped)), most);
    }
}
