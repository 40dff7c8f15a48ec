using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>
/// The leading left singular vectors of one side's cross-covariance. An edit needs only left vectors, and of these only the leading ones are used.
/// The other side of the space is written as I − UUᵀ, which does not depend on the arbitrary basis of a null space.
/// </summary>
/// <param name="Vectors">[d, k] float64, with orthonormal columns. The side owns it.</param>
/// <param name="SingularValues">All singular values s, in descending order.</param>
/// <param name="Share">The share of Σ s² that the k vectors explain.</param>
/// <param name="GapAfter">(s_k − s_{k+1}) / s_1; 0 where all vectors are taken.</param>
internal sealed record SpectralSide(Tensor Vectors, double[] SingularValues, double Share, double GapAfter) : IDisposable
{
    public int Rank => (int)Vectors.size(1);

    /// <summary>Takes the leading directions up to the cut.</summary>
    /// <param name="covariance">[d, d] float64, (1/N) Σ φ(x)ᵀ φ(z).</param>
    /// <param name="cut">Where the directions end.</param>
    public static SpectralSide Fit(Tensor covariance, SpectralCut cut)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor left, Tensor values, _) = linalg.svd(covariance, fullMatrices: false);
        double[] s = [.. values.data<double>()];
        int rank = cut.RankOf(s);
        double gap = rank == s.Length || s[0] == 0 ? 0 : (s[rank - 1] - s[rank]) / s[0];
        double total = s.Sum(v => v * v);
        Tensor vectors = left.narrow(1, 0, rank).contiguous().clone();
        return new SpectralSide(vectors.DetachFromDisposeScope(), s, total == 0 ? 0 : s.Take(rank).Sum(v => v * v) / total, gap);
    }

    public void Dispose() => Vectors.Dispose();
}
