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
    /// <summary>Singular values closer than this share of the largest are tied: the data do not say which of them to cut.</summary>
    private const double Tie = 1e-6;

    public int Rank => (int)Vectors.size(1);

    /// <summary>
    /// The smallest number of leading directions whose cumulative share of Σ s² reaches <paramref name="share"/>, moved to the end of a tied
    /// group; all of them where rounding keeps the share from being reached.
    /// </summary>
    /// <param name="covariance">[d, d] float64: (1/N) Σ φ(x)ᵀ φ(z).</param>
    /// <param name="share">K, in (0, 1].</param>
    public static SpectralSide Fit(Tensor covariance, double share)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor left, Tensor values, _) = linalg.svd(covariance, fullMatrices: false);
        double[] s = [.. values.data<double>()];
        int rank = RankOf(s, share);
        double gap = rank == s.Length || s[0] == 0 ? 0 : (s[rank - 1] - s[rank]) / s[0];
        double total = s.Sum(v => v * v);
        Tensor vectors = left.narrow(1, 0, rank).contiguous().clone();
        return new SpectralSide(vectors.DetachFromDisposeScope(), s, total == 0 ? 0 : s.Take(rank).Sum(v => v * v) / total, gap);
    }

    public void Dispose() => Vectors.Dispose();

    private static int RankOf(double[] s, double share)
    {
        double total = s.Sum(v => v * v), sum = 0;
        int rank = s.Length;
        for (int j = 0; j < s.Length; j++)
        {
            sum += s[j] * s[j];
            if (sum / total >= share)
            {
                rank = j + 1;
                break;
            }
        }
        while (rank < s.Length && Math.Abs(s[rank - 1] - s[rank]) <= Tie * s[0])
            rank++;
        return rank;
    }
}
