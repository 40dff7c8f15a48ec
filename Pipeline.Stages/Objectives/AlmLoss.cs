using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// The ALM loss (arXiv 2503.20083, section 3), computed from index lists. N = rows · length flat student positions, C chunks, K blocks of
/// neighbouring chunks that are compared as one. No tensor is larger than [N]. All log-likelihoods are natural logarithms.
/// </summary>
internal static class AlmLoss
{
    /// <summary>The student's log-likelihood of each chunk, without its boundary: [C], the sum over its tokens, at most 0.</summary>
    /// <param name="logLikelihood_N">[N] log p(token i | tokens before i). The gradient flows here.</param>
    /// <param name="chunks">The chunks of the batch.</param>
    public static Tensor ChunkSums(Tensor logLikelihood_N, ChunkBatch chunks)
    {
        // Positions that belong to no chunk are added to one more entry after the chunks, which is then cut off.
        using Tensor index_N = Index([.. chunks.ChunkOfPosition.Select(c => c < 0 ? chunks.Count : c)], logLikelihood_N.device);
        return zeros(chunks.Count + 1, dtype: logLikelihood_N.dtype, device: logLikelihood_N.device)
            .index_add(0, index_N, logLikelihood_N, 1)
            .narrow(0, 0, chunks.Count)
            .clamp_max(0);
    }

    /// <summary>The student's log boundary mass after each chunk's last token: [C], at most 0.</summary>
    /// <param name="logBoundary_N">[N] log boundary mass after each position. The gradient flows here.</param>
    /// <param name="chunks">The chunks of the batch.</param>
    public static Tensor ChunkBoundaries(Tensor logBoundary_N, ChunkBatch chunks)
    {
        using Tensor last_C = Index(chunks.LastPosition, logBoundary_N.device);
        return logBoundary_N.index_select(0, last_C).clamp_max(0);
    }

    /// <summary>
    /// Σ_K w(n_K) f(t_K, s_K) over the blocks: a scalar. t_K and s_K are the teacher's and the student's log-likelihood of a block, which are sums
    /// over its chunks, plus the log boundary mass of its last chunk where <paramref name="s_boundary_C"/> is given.
    /// </summary>
    /// <param name="blocks">The blocks, with what the teacher says about them.</param>
    /// <param name="s_C">What <see cref="ChunkSums"/> returned.</param>
    /// <param name="s_boundary_C">What <see cref="ChunkBoundaries"/> returned; null leaves the boundaries out on both sides.</param>
    /// <param name="kind">Which f.</param>
    /// <param name="temperature">τ of f.</param>
    /// <param name="renyiAlpha">α of the Rényi divergence.</param>
    /// <param name="numerator">Which w; n_K is the number of teacher tokens in the block.</param>
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

    /// <summary>What the sum is to be divided by: Σ_K w(n_K), with a w of its own.</summary>
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
