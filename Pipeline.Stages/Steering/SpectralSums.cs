using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>
/// What a fit needs of the demonstrations at one place: the sums over demonstrations of φ(x)ᵀφ(z⁺), of φ(x)ᵀφ(z⁻), and of the activations of the two
/// classes, in float64 on the CPU. Their size depends only on the width d, and the sums of parts of the data can be added (arXiv 2405.09719, equation
/// 1). x is the model's own (base) activation, z⁺ the positive one and z⁻ the negative one.
/// </summary>
internal sealed class SpectralSums : IDisposable
{
    /// <summary>Sums of no demonstrations yet.</summary>
    public SpectralSums(FeatureMap map, int width)
        : this(map, 0, zeros(width, width, float64), zeros(width, width, float64), zeros(width, float64), zeros(width, float64))
    {
    }

    /// <summary>Sums that were read from a file. This object owns the tensors from here on.</summary>
    public SpectralSums(FeatureMap map, long count, Tensor positive, Tensor negative, Tensor positiveTotal, Tensor negativeTotal)
        => (Map, Count, Positive, Negative, PositiveTotal, NegativeTotal) = (
            map, count, Keep(positive), Keep(negative), Keep(positiveTotal), Keep(negativeTotal));

    public FeatureMap Map { get; }

    /// <summary>N, the number of demonstrations.</summary>
    public long Count { get; private set; }

    /// <summary>[d, d] Σ φ(x)ᵀ φ(z⁺).</summary>
    public Tensor Positive { get; }

    /// <summary>[d, d] Σ φ(x)ᵀ φ(z⁻).</summary>
    public Tensor Negative { get; }

    /// <summary>[d] Σ z⁺, without the feature map.</summary>
    public Tensor PositiveTotal { get; }

    /// <summary>[d] Σ z⁻, without the feature map.</summary>
    public Tensor NegativeTotal { get; }

    public int Width => (int)Positive.size(0);

    /// <summary>Adds n demonstrations. The rows of the three [n, d] tensors belong together.</summary>
    public void Add(Tensor base_ND, Tensor positive_ND, Tensor negative_ND)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor Wide(Tensor x) => x.to(ScalarType.Float64, CPU);
        (Tensor positive, Tensor negative) = (Wide(positive_ND), Wide(negative_ND));
        Tensor from_DN = FeatureMaps.Apply(Map, Wide(base_ND)).transpose(0, 1);
        Positive.add_(from_DN.mm(FeatureMaps.Apply(Map, positive)));
        Negative.add_(from_DN.mm(FeatureMaps.Apply(Map, negative)));
        PositiveTotal.add_(positive.sum(dim: 0));
        NegativeTotal.add_(negative.sum(dim: 0));
        Count += base_ND.size(0);
    }

    /// <summary>Adds the sums of another part of the data.</summary>
    public void Add(SpectralSums other)
    {
        if (other.Map != Map || other.Width != Width)
            throw new ArgumentException($"sums of {other.Map} at width {other.Width} do not add to sums of {Map} at width {Width}", nameof(other));
        Positive.add_(other.Positive);
        Negative.add_(other.Negative);
        PositiveTotal.add_(other.PositiveTotal);
        NegativeTotal.add_(other.NegativeTotal);
        Count += other.Count;
    }

    public void Dispose()
    {
        foreach (Tensor tensor in new[] { Positive, Negative, PositiveTotal, NegativeTotal })
            tensor.Dispose();
    }

    // The sums live as long as this object, whichever dispose scope they were made in.
    private static Tensor Keep(Tensor tensor) => tensor.DetachFromDisposeScope();
}
