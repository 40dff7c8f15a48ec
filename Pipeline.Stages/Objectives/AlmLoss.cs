using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// The ALM objective over index lists (arXiv 2503.20083, section 3). Shapes: N = rows · length flat student positions, C chunks,
/// K blocks of chunks. No tensor is larger than [N].
/// </summary>
internal static class AlmLoss
{
    /// <summary>s_C = min(0, Σ_{i in chunk} log p(token i | tokens before i)); the gradient flows to <paramref name="logLikelihood_N"/>.</summary>
    public static Tensor ChunkSums(Tensor logLikelihood_N, ChunkBatch chunks)
    {
        // Positions of no chunk add to an entry behind the chunks that is cut off.
        using Tensor index_N = Index([.. chunks.ChunkOfPosition.Select(c => c < 0 ? chunks.Count : c)], logLikelihood_N.device);
        return zeros(chunks.Count + 1, dtype: logLikelihood_N.dtype, device: logLikelihood_N.device)
            .index_add(0, index_N, logLikelihood_N, 1)
            .narrow(0, 0, chunks.Count)
            .clamp_max(0);
    }

    /// <summary>The log boundary mass at each chunk's last student token, ≤ 0.</summary>
    public static Tensor ChunkBoundaries(Tensor logBoundary_N, ChunkBatch chunks)
    {
        using Tensor last_C = Index(chunks.LastPosition, logBoundary_N.device);
        return logBoundary_N.index_select(0, last_C).clamp_max(0);
    }

    /// <summary>
    /// Σ_K w(n_K) f(t_K, s_K) over blocks: t_K and s_K are the sums of their chunks' log-likelihoods, with the last chunk's log
    /// boundary mass added when <paramref name="s_boundary_C"/> is given.
    /// </summary>
    public static Tensor Sum(
        ChunkBlocks blocks, Tensor s_C, Tensor? s_boundary_C, DivergenceKind kind, double temperature, double renyiAlpha, ChunkWeighting numerator)
    {
        Tensor t_K = tensor(blocks.TeacherLogLikelihood, dtype: s_C.dtype, device: s_C.device), s_K = s_C;
        if (blocks.Count != s_C.size(0))
        {
            using Tensor block_C = Index(blocks.BlockOfChunk, s_C.device);
            s_K = zeros(blocks.Count, dtype: s_C.dtype, device: s_C.device).index_add(0, block_C, s_C, 1);
        }
        if (s_boundary_C is not null)
        {
            using Tensor last_K = Index(blocks.LastChunk, s_C.device);
            s_K = s_K + s_boundary_C.index_select(0, last_K);
            t_K = t_K + tensor(blocks.TeacherLogBoundary, dtype: s_C.dtype, device: s_C.device);
        }
        Tensor f_K = Divergence.Of(kind, t_K, s_K, temperature, renyiAlpha);
        if (numerator == ChunkWeighting.ChunkCount)
            return f_K.sum();
        float[] weights = [.. blocks.TeacherTokens.Select(n => (float)Weight(numerator, n))];
        return (f_K * tensor(weights, dtype: s_C.dtype, device: s_C.device)).sum();
    }

    /// <summary>What the sum is divided by: Σ_K w(n_K).</summary>
    public static double Count(ChunkBlocks blocks, ChunkWeighting denominator)
        => denominator == ChunkWeighting.ChunkCount ? blocks.Count : blocks.TeacherTokens.Sum(n => Weight(denominator, n));

    private static double Weight(ChunkWeighting weighting, int teacherTokens) => weighting switch
    {
        ChunkWeighting.ChunkCount => 1,
        ChunkWeighting.TokenCount => teacherTokens,
        ChunkWeighting.Log1pTokenCount => Math.Log(1 + teacherTokens),
        _ => throw new ArgumentOutOfRangeException(nameof(weighting), weighting, null),
    };

    private static Tensor Index(int[] values, Device device)
    {
        using Tensor narrow = tensor(values, dtype: ScalarType.Int32, device: device);
        return narrow.to_type(ScalarType.Int64);
    }
}
