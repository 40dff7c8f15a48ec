namespace Pipeline.Stages.Models;

/// <summary>How rotary angles are scaled to a longer context.</summary>
public enum RopeScaling
{
    None,

    /// <summary>Every frequency by the factor.</summary>
    Linear,

    /// <summary>Low frequencies by the factor, high ones as they are, a blend between (Llama 3.1).</summary>
    Llama3,

    /// <summary>The same by number of rotations within the original context, and a factor on queries and keys (Peng et al. 2023, arXiv 2309.00071).</summary>
    Yarn,

    /// <summary>Beyond the model's positions, the base grows with the row (NTK-aware).</summary>
    Dynamic,

    /// <summary>Each frequency by a factor of its own, one of two lists by the row's length (Phi 3; <see cref="RopeFactors"/>).</summary>
    LongRope,
}

/// <summary>Rotary position embedding: inverse frequency k is theta^(-2k/d), then scaled.</summary>
public sealed record RopeSettings(double Theta, RopeScaling Scaling = RopeScaling.None, double Factor = 1)
{
    public double LowFrequencyFactor { get; init; } = 1;

    public double HighFrequencyFactor { get; init; } = 4;

    public double OriginalMaxPositions { get; init; } = 8192;

    /// <summary>LongRoPE's.</summary>
    public RopeFactors? Factors { get; init; }

    /// <summary>YaRN: dimensions that turn more often than this within the original context keep their frequency.</summary>
    public double FastRotations { get; init; } = 32;

    /// <summary>YaRN: dimensions that turn less often than this are divided by the factor.</summary>
    public double SlowRotations { get; init; } = 1;

    /// <summary>YaRN: the bounds of the blend are whole dimensions.</summary>
    public bool WholeBounds { get; init; } = true;

    /// <summary>What cosines and sines are multiplied by; 1 but for YaRN and LongRoPE.</summary>
    public double Magnitude { get; init; } = 1;

    /// <summary>Frequencies are not the same for every length of a row.</summary>
    public bool VariesWithLength => Scaling is RopeScaling.Dynamic or RopeScaling.LongRope;

    /// <summary>The d/2 inverse frequencies, in radians per position.</summary>
    /// <param name="dimensions">d, of each head: those that are rotated.</param>
    /// <param name="length">Tokens of the row, where it matters: <see cref="VariesWithLength"/>. A row's own, so that its neighbours do not.</param>
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

    /// <summary>True when rows of the two lengths are rotated alike.</summary>
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

    // 0 at the dimension of the fast rotations, 1 at that of the slow ones.
    private double Ramp(int k, int dimensions)
    {
        double Dimension(double rotations) => dimensions * Math.Log(OriginalMaxPositions / (rotations * 2 * Math.PI)) / (2 * Math.Log(Theta));
        double low = Dimension(FastRotations), high = Dimension(SlowRotations);
        if (WholeBounds)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, dimensions - 1));
        // The reference widens an empty blend by a thousandth.
        return Math.Clamp((k - low) / (low == high ? 0.001 : high - low), 0, 1);
    }
}
