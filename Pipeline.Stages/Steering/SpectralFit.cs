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
    public static SpectralFit Of(SpectralSums sums, double keepShare, double dropShare)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return new(sums.Map, SpectralSide.Fit(sums.Positive / (double)sums.Count, keepShare), SpectralSide.Fit(sums.Negative / (double)sums.Count, dropShare));
    }

    /// <summary>
    /// The largest principal angle in radians between what the two sides keep, over the smaller rank: near 0 where both hold the same
    /// directions, and the edit then does next to nothing.
    /// </summary>
    public double LargestAngle()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor cosines = linalg.svdvals(Positive.Vectors.transpose(0, 1).mm(Negative.Vectors));
        return Math.Acos(Math.Clamp(cosines.min().ToDouble(), -1, 1));
    }

    public void Dispose()
    {
        Positive.Dispose();
        Negative.Dispose();
    }
}
