using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>
/// The leading left singular vectors of one side's cross-covariance. Only left vectors matter to an edit, and only the leading ones are
/// ever formed: the trailing side is written as I − UUᵀ, which no arbitrary basis of a null space can change.
/// </summary>
/// <param name="Vectors">[d, k] float64, orthonormal columns; the owner of the side disposes it.</param>
/// <param name="SingularValues">All of them, descending.</param>
/// <param name="Share">Share of Σ s² that the k vectors explain.</param>
/// <param name="GapAfter">(s_k − s_{k+1}) / s_1; 0 where every vector is taken.</param>
internal sealed record SpectralSide(Tensor Vectors, double[] SingularValues, double Share, double GapAfter) : IDisposable
{
    public int Rank => (int)Vectors.size(1);

    /// <summary>The leading directions up to the cut.</summary>
    /// <param name="covariance">[d, d] float64: (1/N) Σ φ(x)ᵀ φ(z).</param>
    /// <param name="cut">Where they end.</param>
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
