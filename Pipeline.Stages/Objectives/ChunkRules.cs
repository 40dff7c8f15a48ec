namespace Pipeline.Stages.Objectives;

/// <summary>Which chunks of an example count, and which of them are merged.</summary>
/// <param name="Kind">How the chunks of the alignment are joined before they are merged by boundary mass.</param>
/// <param name="Gamma">γ: a chunk with a teacher boundary mass of at most this is merged with the next one. Null merges none.</param>
/// <param name="Use">What an objective reads of the chunks.</param>
/// <param name="Bias">The biases that <see cref="ChunkKind.Unbiased"/> needs.</param>
/// <param name="BiasThreshold">The largest bias at which a chunk of that kind may end.</param>
/// <param name="Boundary">How a chunk's boundary mass is taken from the teacher's scores. Not read with <see cref="ChunkUse.HiddenState"/>.</param>
internal sealed record ChunkRules(
    ChunkKind Kind = ChunkKind.Every, double? Gamma = 0.1, ChunkUse Use = ChunkUse.Likelihood, TokenPairBias? Bias = null, double BiasThreshold = 0.1,
    BoundaryMode Boundary = BoundaryMode.AppendBoundary);

/// <summary>What an objective reads of the chunks.</summary>
internal enum ChunkUse
{
    /// <summary>
    /// Likelihoods. A chunk counts only when every one of its tokens, on both sides, has a score and counts in the loss mask. In a chunk that a mask
    /// cuts, or that contains the unscored first token of a side, the two likelihoods would be those of different texts.
    /// </summary>
    Likelihood,

    /// <summary>Hidden states at the last tokens. Every chunk has them, whatever the loss masks say.</summary>
    HiddenState,
}
