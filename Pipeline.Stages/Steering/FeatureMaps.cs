using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>The feature maps and their inverses. After a projection, a value may be outside a map's range. Inverses therefore clamp it by ε.</summary>
internal static class FeatureMaps
{
    /// <summary>ε, the distance that clamps keep from the ends of a range.</summary>
    public const double Epsilon = 1e-4;

    /// <summary>φ(x), with the shape and type of <paramref name="x"/>.</summary>
    public static Tensor Apply(FeatureMap map, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor y = map switch
        {
            FeatureMap.Identity => x.alias(),
            FeatureMap.SquaredExponential => (x * x * -0.5).exp(),
            FeatureMap.Tanh => x.tanh(),
            FeatureMap.Elu => nn.functional.elu(x, 1.0),
            _ => throw new ArgumentOutOfRangeException(nameof(map), map, null),
        };
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// φ⁻¹(y) for <see cref="SideCombination.Feature"/>. The squared-exponential map is even, so its inverse takes the sign of the unedited
    /// activation. Zero counts as positive.
    /// </summary>
    public static Tensor Invert(FeatureMap map, Tensor y, Tensor unedited)
    {
        if (map != FeatureMap.SquaredExponential)
            return InvertSide(map, y);
        using DisposeScope scope = NewDisposeScope();
        Tensor size = (y.clamp(Epsilon, 1.0).log() * -2.0).clamp_min(0).sqrt();
        return where(unedited < 0, -size, size).MoveToOuterDisposeScope();
    }

    /// <summary>φ⁻¹(y) of one side, for <see cref="SideCombination.Separate"/>. For the squared-exponential map it is −2 ln max(y, ε).</summary>
    public static Tensor InvertSide(FeatureMap map, Tensor y)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = map switch
        {
            FeatureMap.Identity => y.alias(),
            FeatureMap.SquaredExponential => y.clamp_min(Epsilon).log() * -2.0,
            FeatureMap.Tanh => y.clamp(-1 + Epsilon, 1 - Epsilon).atanh(),
            FeatureMap.Elu => where(y >= 0, y, (y.clamp_min(-1 + Epsilon) + 1).log()),
            _ => throw new ArgumentOutOfRangeException(nameof(map), map, null),
        };
        return x.MoveToOuterDisposeScope();
    }
}
