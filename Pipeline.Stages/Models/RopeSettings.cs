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
}

/// <summary>Rotary position embedding: inverse frequency k is theta^(-2k/d), then scaled.</summary>
public sealed record RopeSettings(double Theta, RopeScaling Scaling = RopeScaling.None, double Factor = 1)
{
    public double LowFrequencyFactor { get; init; } = 1;

    public double HighFrequencyFactor { get; init; } = 4;

    public double OriginalMaxPositions { get; init; } = 8192;

    /// <summary>YaRN: dimensions that turn more often than this within the original context keep their frequency.</summary>
    public double FastRotations { get; init; } = 32;

    /// <summary>YaRN: dimensions that turn less often than this are divided by the factor.</summary>
    public double SlowRotations { get; init; } = 1;

    /// <summary>YaRN: the bounds of the blend are whole dimensions.</summary>
    public bool WholeBounds { get; init; } = true;

    /// <summary>What cosines and sines are multiplied by; 1 but for YaRN.</summary>
    public double Magnitude { get; init; } = 1;

    /// <summary>The d/2 inverse frequencies, in radians per position.</summary>
    public double[] InverseFrequencies(int headDim)
    {
        double[] frequencies = new double[headDim / 2];
        for (int k = 0; k < frequencies.Length; k++)
        {
            double frequency = Math.Pow(Theta, -2.0 * k / headDim);
            frequencies[k] = Scaling switch
            {
                RopeScaling.Linear => frequency / Factor,
                RopeScaling.Llama3 => ByWavelength(frequency),
                RopeScaling.Yarn => Blend(frequency, 1 - Ramp(k, headDim)),
                _ => frequency,
            };
        }

        return frequencies;
    }

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
    private double Ramp(int k, int headDim)
    {
        double Dimension(double rotations) => headDim * Math.Log(OriginalMaxPositions / (rotations * 2 * Math.PI)) / (2 * Math.Log(Theta));
        double low = Dimension(FastRotations), high = Dimension(SlowRotations);
        if (WholeBounds)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, headDim - 1));
        // The reference widens an empty blend by a thousandth.
        return Math.Clamp((k - low) / (low == high ? 0.001 : high - low), 0, 1);
    }
}
