using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>The two sides of an edit at one place, fitted from its sums. This object owns both.</summary>
internal sealed class SpectralFit : IDisposable
{
    private SpectralFit(FeatureMap map, SpectralSide positive, SpectralSide negative)
        => (Positive, Negative, Projection) = (positive, negative, new SpectralProjection(map, positive.Vectors, negative.Vectors));

    public SpectralSide Positive { get; }

    public SpectralSide Negative { get; }

    public SpectralProjection Projection { get; }

    /// <summary>Fits both sides, each up to a share.</summary>
    /// <param name="sums">The sums of at least one demonstration.</param>
    /// <param name="keepShare">K of the positive side, in (0, 1].</param>
    /// <param name="dropShare">K of the negative side, in (0, 1].</param>
    public static SpectralFit Of(SpectralSums sums, double keepShare, double dropShare) => Of(sums, SpectralCut.AtShare(keepShare), SpectralCut.AtShare(dropShare));

    /// <summary>Fits both sides, each up to a cut.</summary>
    /// <param name="sums">The sums of at least one demonstration.</param>
    /// <param name="keep">Where the directions of the positive side end.</param>
    /// <param name="drop">Where the directions of the negative side end.</param>
    public static SpectralFit Of(SpectralSums sums, SpectralCut keep, SpectralCut drop)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return new(sums.Map, SpectralSide.Fit(sums.Positive / (double)sums.Count, keep), SpectralSide.Fit(sums.Negative / (double)sums.Count, drop));
    }

    /// <summary>
    /// The largest principal angle, in radians, between the subspaces of the two sides. As many angles are considered as the smaller one has
    /// dimensions. It is near 0 where both have the same directions, and the edit then does next to nothing.
    /// </summary>
    public double LargestAngle() => LargestAngle(Positive.Vectors, Negative.Vectors);

    /// <summary>The same for two orthonormal bases [d, k] and [d, l].</summary>
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
