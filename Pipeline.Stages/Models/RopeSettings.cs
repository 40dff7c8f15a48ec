namespace Pipeline.Stages.Models;

/// <summary>How rotary angles are scaled to a longer context.</summary>
public enum RopeScaling
{
    None,

    /// <summary>Every frequency by the factor.</summary>
    Linear,

    /// <summary>Low frequencies by the factor, high ones as they are, a blend between (Llama 3.1).</summary>
    Llama3,
}

/// <summary>Rotary position embedding: inverse frequency k is theta^(-2k/d), then scaled.</summary>
public sealed record RopeSettings(double Theta, RopeScaling Scaling = RopeScaling.None, double Factor = 1)
{
    public double LowFrequencyFactor { get; init; } = 1;

    public double HighFrequencyFactor { get; init; } = 4;

    public double OriginalMaxPositions { get; init; } = 8192;

    /// <summary>The d/2 inverse frequencies, in radians per position.</summary>
    public double[] InverseFrequencies(int headDim)
    {
        double[] frequencies = new double[headDim / 2];
        for (int k = 0; k < frequencies.Length; k++)
            frequencies[k] = Scale(Math.Pow(Theta, -2.0 * k / headDim));
        return frequencies;
    }

    private double Scale(double frequency)
    {
        if (Scaling == RopeScaling.None)
            return frequency;
        if (Scaling == RopeScaling.Linear)
            return frequency / Factor;
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength > OriginalMaxPositions / LowFrequencyFactor)
            return frequency / Factor;
        if (wavelength < OriginalMaxPositions / HighFrequencyFactor)
            return frequency;
        double blend = (OriginalMaxPositions / wavelength - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return (1 - blend) * frequency / Factor + blend * frequency;
    }
}
