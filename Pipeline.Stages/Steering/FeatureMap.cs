namespace Pipeline.Stages.Steering;

/// <summary>The elementwise map φ under which activations are correlated and edited (SEA, arXiv 2405.09719, section 4).</summary>
internal enum FeatureMap
{
    /// <summary>φ(x) = x.</summary>
    Identity,

    /// <summary>φ(x) = exp(−x²/2), in (0, 1]. It is even, so the sign of the unedited activation is kept separately.</summary>
    SquaredExponential,

    /// <summary>φ(x) = tanh x.</summary>
    Tanh,

    /// <summary>φ(x) = x where x ≥ 0, and eˣ − 1 elsewhere.</summary>
    Elu,
}

/// <summary>How the kept and the dropped side of an edit are combined.</summary>
public enum SideCombination
{
    /// <summary>φ⁻¹(φ(h)(P⁺ + P⁻)): the inverse of the sum. If P⁺ + P⁻ = I, the result is h again, within the clamps.</summary>
    Feature,

    /// <summary>φ⁻¹(φ(h)P⁺) + φ⁻¹(φ(h)P⁻), the paper's formula. Its inverse of the squared-exponential map gives x², and loses every sign.</summary>
    Separate,
}
