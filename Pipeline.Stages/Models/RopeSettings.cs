namespace Pipeline.Stages.Models;

/// <summary>How the frequencies of rotary position embeddings are scaled for a longer context.</summary>
public enum RopeScaling
{
    None,

    /// <summary>Every frequency is divided by the factor.</summary>
    Linear,

    /// <summary>Low frequencies are divided by the factor, high ones stay as they are, and those between are a blend of both (Llama 3.1).</summary>
    Llama3,

    /// <summary>
    /// A similar blend, whose bounds are <see cref="RopeSettings.FastRotations"/> and <see cref="RopeSettings.SlowRotations"/>, and a factor on queries and
    /// keys (Peng et al. 2023, arXiv 2309.00071).
    /// </summary>
    Yarn,

    /// <summary>For rows longer than the model's positions, the base grows with the length of the row (NTK-aware).</summary>
    Dynamic,

    /// <summary>Each frequency is divided by a factor of its own, from one of two lists by the row's length (Phi 3; <see cref="RopeFactors"/>).</summary>
    LongRope,
}

/// <summary>
/// Rotary position embedding. Of d rotated dimensions, pair k turns by theta^(-2k/d) radians per position, before scaling.
/// </summary>
/// <param name="Theta">The base.</param>
/// <param name="Scaling">How the frequencies are scaled.</param>
/// <param name="Factor">The factor of the scaling: how many times longer than the original context the new one is.</param>
public sealed record RopeSettings(double Theta, RopeScaling Scaling = RopeScaling.None, double Factor = 1)
{
    /// <summary>Llama 3: pairs that turn fewer times than this within the original context have their frequency divided by the factor.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama 3: pairs that turn more often than this within the original context keep their frequency.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>The number of positions in the original context.</summary>
    public double OriginalMaxPositions { get; init; } = 8192;

    /// <summary>The factors of LongRoPE. Null for any other scaling.</summary>
    public RopeFactors? Factors { get; init; }

    /// <summary>YaRN: pairs that turn more often than this within the original context keep their frequency.</summary>
    public double FastRotations { get; init; } = 32;

    /// <summary>YaRN: pairs that turn fewer times than this within the original context have their frequency divided by the factor.</summary>
    public double SlowRotations { get; init; } = 1;

    /// <summary>YaRN: whether the bounds of the blend are rounded outwards to whole pairs.</summary>
    public bool WholeBounds { get; init; } = true;

    /// <summary>What cosines and sines, and thereby queries and keys, are multiplied by. It is 1 except for YaRN and LongRoPE.</summary>
    public double Magnitude { get; init; } = 1;

    /// <summary>Whether the frequencies depend on the length of the row.</summary>
    public bool VariesWithLength => Scaling is RopeScaling.Dynamic or RopeScaling.LongRope;

    /// <summary>[d/2] the scaled frequencies, in radians per position.</summary>
    /// <param name="dimensions">d, the number of dimensions of each head that are rotated.</param>
    /// <param name="length">
    /// The number of tokens in the row, which matters if <see cref="VariesWithLength"/>. It is that of the row alone, without padding, so that the
    /// result for a row does not depend on the rest of its batch.
    /// </param>
    public double[] InverseFrequencies(int dimensions, long length = 1)
    {
        double theta = Scaling == RopeScaling.Dynamic ? GrownTheta(dimensions, length) : Theta;
        double[] frequencies = new double[dimensions / 2];
        for (int k = 0; k < frequencies.Length; k++)
        {
            double frequency = Math.Pow(theta, -2.0 * k / dimensions);
            frequencies[k] = Scaling switch
            {
                RopeScaling.Linear => frequency / Factor,
                RopeScaling.Llama3 => ByWavelength(frequency),
                RopeScaling.Yarn => Blend(frequency, 1 - Ramp(k, dimensions)),
                RopeScaling.LongRope => frequency / (length > OriginalMaxPositions ? Factors!.Long : Factors!.Short)[k],
                _ => frequency,
            };
        }

        return frequencies;
    }

    /// <summary>Whether rows of these two lengths have the same frequencies.</summary>
    public bool IsSame(long length, long other) => Scaling switch
    {
        RopeScaling.LongRope => length > OriginalMaxPositions == other > OriginalMaxPositions,
        RopeScaling.Dynamic => Math.Max(length, OriginalMaxPositions) == Math.Max(other, OriginalMaxPositions),
        _ => true,
    };

    private double GrownTheta(int dimensions, long length)
        => Theta * Math.Pow(Factor * Math.Max(length, OriginalMaxPositions) / OriginalMaxPositions - (Factor - 1), dimensions / (dimensions - 2.0));

    private double ByWavelength(double frequency)
    {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength > OriginalMaxPositions / LowFrequencyFactor)
            return frequency / Factor;
        if (wavelength < OriginalMaxPositions / HighFrequencyFactor)
            return frequency;
        return Blend(frequency, (OriginalMaxPositions / wavelength - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor));
    }

    private double Blend(double frequency, double kept) => (1 - kept) * frequency / Factor + kept * frequency;

    // 0 up to the pair with the fast rotations, 1 from the pair with the slow ones on, and linear between them.
    private double Ramp(int k, int dimensions)
    {
        double Dimension(double rotations) => dimensions * Math.Log(OriginalMaxPositions / (rotations * 2 * Math.PI)) / (2 * Math.Log(Theta));
        double low = Dimension(FastRotations), high = Dimension(SlowRotations);
        if (WholeBounds)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, dimensions - 1));
        // Where both bounds are the same pair, the reference widens the ramp by a thousandth.
        return Math.Clamp((k - low) / (low == high ? 0.001 : high - low), 0, 1);
    }
}
