using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>
/// An edit at one place. P⁺ = U⁺U⁺ᵀ keeps what the base activations have in common with the positive ones, and P⁻ = I − U⁻U⁻ᵀ drops what they have in
/// common with the negative ones (arXiv 2405.09719, section 3). d is the width of the activations.
/// </summary>
/// <param name="map">The feature map φ.</param>
/// <param name="positive">U⁺. This object owns it from here on.</param>
/// <param name="negative">U⁻. This object owns it from here on.</param>
internal sealed class SpectralProjection(FeatureMap map, Tensor positive, Tensor negative) : IDisposable
{
    public FeatureMap Map { get; } = map;

    /// <summary>[d, k⁺] U⁺, with orthonormal columns.</summary>
    public Tensor Positive { get; } = positive.DetachFromDisposeScope();

    /// <summary>[d, k⁻] U⁻, with orthonormal columns.</summary>
    public Tensor Negative { get; } = negative.DetachFromDisposeScope();

    public int Width => (int)Positive.size(0);

    /// <summary>[d, d] P⁺ in the type of U⁺.</summary>
    public Tensor KeepMatrix() => Positive.mm(Positive.transpose(0, 1));

    /// <summary>[d, d] P⁻ in the type of U⁻.</summary>
    public Tensor DropMatrix() => eye(Width, dtype: Negative.dtype, device: Negative.device) - Negative.mm(Negative.transpose(0, 1));

    /// <summary>Edits activations, each row by itself.</summary>
    /// <param name="hidden">[.., d] the activations h.</param>
    /// <param name="combination">How the two sides become the edited activation y.</param>
    /// <param name="renormalise">Whether each row gets its old length back: y ‖h‖ / ‖y‖, and h itself where ‖y‖ = 0. If false, the result is y.</param>
    /// <returns>[.., d] in the type of <paramref name="hidden"/>. It is computed in float64 if that is the type, and otherwise in float32.</returns>
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

    // Two thin products take 2·d·k multiply-adds for each row, and there is no d×d matrix to be rounded.
    private static Tensor Through(Tensor x, Tensor vectors)
    {
        Tensor u = vectors.to(x.dtype, x.device);
        return TorchScripts.Product(TorchScripts.Product(x, u), u.transpose(0, 1));
    }
}
