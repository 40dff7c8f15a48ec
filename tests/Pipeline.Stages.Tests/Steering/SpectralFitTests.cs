using Pipeline.Stages.Steering;
using Pipeline.Stages.Tests.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Steering;

/// <summary>What holds of every fit, whatever the demonstrations.</summary>
public sealed class SpectralFitTests : TorchTest
{
    [Theory]
    [InlineData(nameof(FeatureMap.Identity), 0.9)]
    [InlineData(nameof(FeatureMap.Identity), 0.9999)]
    [InlineData(nameof(FeatureMap.Tanh), 0.99)]
    [InlineData(nameof(FeatureMap.Elu), 0.99)]
    [InlineData(nameof(FeatureMap.SquaredExponential), 0.9999)]
    public void Projections_are_symmetric_idempotent_and_of_the_ranks_they_say(string mapName, double share)
    {
        FeatureMap map = Enum.Parse<FeatureMap>(mapName);
        using SpectralFit fit = Fit(map, 60, 12, share, out _);
        foreach ((Tensor p, double trace) in new[] { (fit.Projection.KeepMatrix(), (double)fit.Positive.Rank), (fit.Projection.DropMatrix(), 12.0 - fit.Negative.Rank) })
        {
            Assert.True((p - p.transpose(0, 1)).abs().max().ToDouble() < 1e-12);
            Assert.True((p.mm(p) - p).abs().max().ToDouble() < 1e-10);
            Assert.Equal(trace, p.trace().ToDouble(), 1e-9);
        }
        Tensor eigenvalues = linalg.eigvalsh(fit.Projection.KeepMatrix() + fit.Projection.DropMatrix());
        Assert.InRange(eigenvalues.min().ToDouble(), -1e-9, 2);
        Assert.InRange(eigenvalues.max().ToDouble(), 0, 2 + 1e-9);
    }

    [Fact]
    public void All_directions_kept_on_both_sides_is_no_edit()
    {
        using SpectralFit fit = Fit(FeatureMap.Identity, 60, 12, 1.0, out Tensor hidden);
        Assert.Equal((12, 12), (fit.Positive.Rank, fit.Negative.Rank));
        Assert.True((fit.Projection.Edit(hidden, SideCombination.Feature) - hidden).abs().max().ToDouble() < 1e-9);
    }

    [Fact]
    public void An_edited_activation_has_its_old_length_and_a_lost_one_stays()
    {
        using SpectralFit fit = Fit(FeatureMap.Identity, 60, 12, 0.99, out Tensor hidden);
        Tensor edited = fit.Projection.Edit(hidden, SideCombination.Feature);
        Assert.True((edited.norm(-1) - hidden.norm(-1)).abs().max().ToDouble() < 1e-9);
        // Everything that the negative side drops and the positive side does not keep: the projection is zero, and the activation goes on as it was.
        Tensor axis = zeros(12, 1, ScalarType.Float64);
        axis[0, 0] = 1;
        Tensor other = zeros(12, 1, ScalarType.Float64);
        other[1, 0] = 1;
        using SpectralProjection dropped = new(FeatureMap.Identity, other, axis.clone());
        Tensor along = axis.transpose(0, 1) * 3;
        Assert.Equal(0, (along - dropped.Edit(along, SideCombination.Feature)).abs().max().ToDouble());
    }

    [Fact]
    public void Planted_directions_are_found()
    {
        const int d = 10, n = 400;
        manual_seed(3);
        Tensor raw = randn(n, d, ScalarType.Float64);
        // Whitened exactly: XᵀX / N = I.
        (Tensor q, _) = linalg.qr(raw, linalg.QRMode.Reduced);
        Tensor x = q * Math.Sqrt(n);
        Tensor axes = linalg.qr(randn(d, 2, ScalarType.Float64), linalg.QRMode.Reduced).Q;
        Tensor u = axes.narrow(1, 0, 1), v = axes.narrow(1, 1, 1);
        using SpectralSums sums = new(FeatureMap.Identity, d);
        sums.Add(x, x + (2.5 * x.mm(u).mm(u.transpose(0, 1))), x + (1.5 * x.mm(v).mm(v.transpose(0, 1))));
        using SpectralFit fit = SpectralFit.Of(sums, 1e-9, 1e-9);
        Assert.Equal((1, 1), (fit.Positive.Rank, fit.Negative.Rank));
        Assert.True(Math.Abs(Math.Abs(fit.Positive.Vectors.transpose(0, 1).mm(u).ToDouble()) - 1) < 1e-6);
        Assert.True(Math.Abs(Math.Abs(fit.Negative.Vectors.transpose(0, 1).mm(v).ToDouble()) - 1) < 1e-6);
        Assert.Equal(Math.PI / 2, fit.LargestAngle(), 1e-6);
    }

    private static SpectralFit Fit(FeatureMap map, int n, int d, double share, out Tensor hidden)
    {
        manual_seed(11);
        Tensor x = randn(n, d, ScalarType.Float64);
        using SpectralSums sums = new(map, d);
        sums.Add(x, x + (randn(n, d, ScalarType.Float64) * 0.5), randn(n, d, ScalarType.Float64));
        hidden = randn(7, d, ScalarType.Float64);
        return SpectralFit.Of(sums, share, share);
    }
}
