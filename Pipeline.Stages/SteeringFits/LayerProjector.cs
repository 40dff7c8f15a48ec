using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using Pipeline.Stages.Steering;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.SteeringFits;

/// <summary>Computes a layer's projection from its sums. To be used on the device's thread.</summary>
/// <param name="options">The shares or ranks, and the control.</param>
/// <param name="seed">The seed of the random control.</param>
internal sealed class LayerProjector(ProjectSeaOptions options, long seed)
{
    /// <summary>The largest deviation from orthonormality that float64 explains. A larger one means that the decomposition has failed.</summary>
    private const double Orthonormal = 1e-10;

    /// <summary>Projects a layer.</summary>
    /// <returns>The bases in float32, as an edit stores and applies them, which the caller disposes; and a report on them.</returns>
    /// <exception cref="InputException">The sums are of no demonstration, are not finite, or are too ill-conditioned.</exception>
    public (SpectralProjection Projection, ProjectedLayer Report) Project(LayerSums layer)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (SpectralSums sums, Tensor sample) = layer.Folder.Load(layer.Headers, layer.Layer);
        using (sums)
        using (sample)
        {
            if (sums.Count == 0)
                throw new InputException($"{layer.Folder.Path} holds no demonstrations; see what fit-sea rejected");
            if (!sums.Positive.isfinite().all().item<bool>() || !sums.Negative.isfinite().all().item<bool>())
                throw new InputException($"{layer.Folder.Path}: the sums of layer {layer.Layer} are not finite; the model's activations overflow; fit in float32, or leave the layer out");
            using SpectralFit fit = SpectralFit.Of(sums, Cut(options.KeepRank, options.Keep), Cut(options.DropRank, options.Drop));
            (SpectralSide keep, SpectralSide drop) = options.Control == ControlKind.Exchanged ? (fit.Negative, fit.Positive) : (fit.Positive, fit.Negative);
            Tensor kept = Basis(keep, layer.Layer, "keep"), dropped = Basis(drop, layer.Layer, "drop");
            // The strength is measured with the bases as they will be applied, in float32.
            var projection = new SpectralProjection(sums.Map, kept.to(ScalarType.Float32), dropped.to(ScalarType.Float32));
            LayerSignature signature = LayerSignature.Of(sums);
            bool isDrawn = options.Control == ControlKind.Random;
            return (projection, new ProjectedLayer(
                layer.Layer, keep.Rank, drop.Rank, isDrawn ? 0 : keep.Share, isDrawn ? 0 : drop.Share, isDrawn ? 0 : keep.GapAfter, isDrawn ? 0 : drop.GapAfter,
                Strength(projection, sample), SpectralFit.LargestAngle(kept, dropped), signature.Signature, signature.Contrast));
        }
    }

    private static SpectralCut Cut(int? rank, double share) => rank is { } k ? SpectralCut.AtRank(k) : SpectralCut.AtShare(share);

    private Tensor Basis(SpectralSide side, int layer, string name)
    {
        Tensor basis = options.Control == ControlKind.Random
            ? linalg.qr(WeightInitializer.Normal([side.Vectors.size(0), side.Rank], 1, seed, $"{name} {layer}").to(ScalarType.Float64), linalg.QRMode.Reduced).Q
            : side.Vectors;
        double off = (basis.transpose(0, 1).mm(basis) - eye(basis.size(1), dtype: ScalarType.Float64)).abs().max().ToDouble();
        return off <= Orthonormal ? basis : throw new InputException($"layer {layer}: the singular vectors are off from orthonormal by {off:g3}; the sums are too ill-conditioned to project, choose fewer directions");
    }

    private double Strength(SpectralProjection projection, Tensor sample)
    {
        Tensor h = sample.to(ScalarType.Float64), edited = projection.Edit(h, options.Combine, renormalise: false);
        Tensor length = h.norm(-1);
        return where(length == 0, zeros_like(length), (edited - h).norm(-1) / length).mean().ToDouble();
    }
}
