namespace Pipeline.Stages.Steering;

/// <summary>The elementwise map φ under which activations are correlated and edited (SEA, arXiv 2405.09719, section 4).</summary>
internal enum FeatureMap
{
    /// <summary>x.</summary>
    Identity,

    /// <summary>exp(−x²/2), in (0, 1]: even, so the sign of the unedited activation is kept separately.</summary>
    SquaredExponential,

    /// <summary>tanh x.</summary>
    Tanh,

    /// <summary>x where x ≥ 0, eˣ − 1 elsewhere.</summary>
    Elu,
}

/// <summary>How the kept and the dropped side are combined.</summary>
public enum SideCombination
{
    /// <summary>φ⁻¹(φ(h)(P⁺ + P⁻)): one inverse of the sum. With P⁺ + P⁻ = I it gives h back, within the clamps.</summary>
    Feature,

    /// <summary>φ⁻¹(φ(h)P⁺) + φ⁻¹(φ(h)P⁻), the paper's formula; its squared-exponential inverse gives x² and loses every sign.</summary>
    Separate,
}
