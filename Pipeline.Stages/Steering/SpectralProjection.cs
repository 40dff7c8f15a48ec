using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>
/// An edit at one place: P⁺ = U⁺U⁺ᵀ keeps what the base activations share with the positive ones, P⁻ = I − U⁻U⁻ᵀ drops what they share
/// with the negative ones (arXiv 2405.09719, section 3).
/// </summary>
internal sealed class SpectralProjection(FeatureMap map, Tensor positive, Tensor negative) : IDisposable
{
    public FeatureMap Map { get; } = map;

    /// <summary>[d, k⁺]: U⁺.</summary>
    public Tensor Positive { get; } = positive.DetachFromDisposeScope();

    /// <summary>[d, k⁻]: U⁻.</summary>
    public Tensor Negative { get; } = negative.DetachFromDisposeScope();

    public int Width => (int)Positive.size(0);

    /// <summary>[d, d]: P⁺ in the type of the vectors.</summary>
    public Tensor KeepMatrix() => Positive.mm(Positive.transpose(0, 1));

    /// <summary>[d, d]: P⁻ in the type of the vectors.</summary>
    public Tensor DropMatrix() => eye(Width, dtype: Negative.dtype, device: Negative.device) - Negative.mm(Negative.transpose(0, 1));

    /// <summary>
    /// Edits activations [.., d], each row alone, and gives every row its old length back: h' = y ‖h‖ / ‖y‖, and h' = h where ‖y‖ = 0 (not,
    /// where <paramref name="renormalise"/> is false: h' = y). In float32 at least, in float64 where <paramref name="hidden"/> is; the result
    /// has the type of <paramref name="hidden"/>.
    /// </summary>
    public Tensor Edit(Tensor hidden, SideCombination combination, bool renormalise = true)
    {
        using DisposeScope scope = NewDisposeScope();
        ScalarType type = hidden.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Tensor h = hidden.to(type), features = FeatureMaps.Apply(Map, h);
        Tensor kept = Through(features, Positive), dropped = features - Through(features, Negative);
        Tensor y = combination == SideCombination.Feature || Map == FeatureMap.Identity
            ? FeatureMaps.Invert(Map, kept + dropped, h)
            : FeatureMaps.InvertSide(Map, kept) + FeatureMaps.InvertSide(Map, dropped);
        if (!renormalise)
            return y.to(hidden.dtype).MoveToOuterDisposeScope();
        Tensor length = y.norm(-1, keepdim: true);
        Tensor scaled = y * (h.norm(-1, keepdim: true) / length);
        return where(length == 0, h, scaled).to(hidden.dtype).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Positive.Dispose();
        Negative.Dispose();
    }

    // Two thin products: 2·d·k multiply-adds for each row, and no d×d matrix to round.
    private static Tensor Through(Tensor x, Tensor vectors)
    {
        Tensor u = vectors.to(x.dtype, x.device);
        return TorchScripts.Product(TorchScripts.Product(x, u), u.transpose(0, 1));
    }
}
