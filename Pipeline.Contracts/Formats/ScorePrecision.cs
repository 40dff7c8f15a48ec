namespace Pipeline.Contracts.Formats;

/// <summary>How many bits of a teacher's score a shard keeps. On disk every score is a float16; those with fewer bits compress better.</summary>
public enum ScorePrecision
{
    /// <summary>A float16: a relative error of at most 2^-11 from 2^-14 nats on.</summary>
    Bits16,

    /// <summary>Five bits of exponent, seven of mantissa, no sign: a relative error of at most 2^-8 from 2^-14 nats on.</summary>
    Bits12,

    /// <summary>
    /// Four bits of exponent, four of mantissa, no sign: a relative error of at most 2^-5 from 2^-10 to 62 nats, and an error of at most 2^-15 nats
    /// below.
    /// </summary>
    Bits8,
}

/// <summary>Rounds scores to the nearest value of a precision, ties to even.</summary>
internal static class ScoreRounding
{
    // Four bits of exponent that reach up to 2^5 have this smallest normal value. Below it, values are multiples of the step.
    private const float LeastNormal8 = 1f / (1 << 10);
    private const float Step8 = LeastNormal8 / (1 << 4);

    /// <summary>Rounds one score.</summary>
    /// <param name="score">
    /// A negative logarithm. NaN stays NaN. What is larger than the largest finite value of the precision becomes that value.
    /// </param>
    /// <param name="precision">The precision of the result.</param>
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
        // A carry out of the mantissa increases the exponent, which is how rounding up to a power of two should look.
        int dropped = 10 - bits;
        int pattern = BitConverter.HalfToUInt16Bits(score);
        int up = (1 << (dropped - 1)) - 1 + ((pattern >> dropped) & 1);
        Half most = BitConverter.UInt16BitsToHalf((ushort)(BitConverter.HalfToUInt16Bits(largest) >> dropped << dropped));
        return Half.Min(BitConverter.UInt16BitsToHalf((ushort)((pattern + up) >> dropped << dropped)), most);
    }
}
