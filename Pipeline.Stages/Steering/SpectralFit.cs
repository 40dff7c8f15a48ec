using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>Both sides of one place, fitted from its sums.</summary>
internal sealed class SpectralFit : IDisposable
{
    private SpectralFit(FeatureMap map, SpectralSide positive, SpectralSide negative)
        => (Positive, Negative, Projection) = (positive, negative, new SpectralProjection(map, positive.Vectors, negative.Vectors));

    public SpectralSide Positive { get; }

    public SpectralSide Negative { get; }

    public SpectralProjection Projection { get; }

    /// <param name="sums">Of at least one demonstration.</param>
    /// <param name="keepShare">K of the positive side, in (0, 1].</param>
    /// <param name="dropShare">K of the negative side, in (0, 1].</param>
    public static SpectralFit Of(SpectralSums sums, double keepShare, double dropShare) => Of(sums, SpectralCut.AtShare(keepShare), SpectralCut.AtShare(dropShare));

    /// <param name="sums">Of at least one demonstration.</param>
    /// <param name="keep">Of the positive side.</param>
    /// <param name="drop">Of the negative side.</param>
    public static SpectralFit Of(SpectralSums sums, SpectralCut keep, SpectralCut drop)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return new(sums.Map, SpectralSide.Fit(sums.Positive / (double)sums.Count, keep), SpectralSide.Fit(sums.Negative / (double)sums.Count, drop));
    }

    /// <summary>
    /// The largest principal angle in radians between what the two sides keep, over the smaller rank: near 0 where both hold the same
    /// directions, and the edit then does next to nothing.
    /// </summary>
    public double LargestAngle() => LargestAngle(Positive.Vectors, Negative.Vectors);

    /// <summary>The same of two orthonormal bases [d, k] and [d, l].</summary>
    public static double LargestAngle(Tensor kept, Tensor dropped)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor cosines = linalg.svdvals(kept.transpose(0, 1).mm(dropped));
        return Math.Acos(Math.Clamp(cosines.min().ToDouble(), -1, 1));
    }

    public void Dispose()
    {
        Positive.Dispose();
        Negative.Dispose();
    }
}
