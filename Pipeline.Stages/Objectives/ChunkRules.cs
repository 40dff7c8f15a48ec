namespace Pipeline.Stages.Objectives;

/// <summary>Which chunks of an example count, and which of them are one.</summary>
/// <param name="Kind">Chunks before merging by boundary mass.</param>
/// <param name="Gamma">Chunks with teacher boundary mass ≤ γ are merged into the next one; null merges none.</param>
/// <param name="Use">What is read at the chunks.</param>
/// <param name="Bias">The matrices that <see cref="ChunkKind.Unbiased"/> reads.</param>
/// <param name="BiasThreshold">The largest bias at which a chunk may end.</param>
/// <param name="Boundary">Which of the teacher's boundary masses a chunk has; not read where hidden states are.</param>
internal sealed record ChunkRules(
    ChunkKind Kind = ChunkKind.Every, double? Gamma = 0.1, ChunkUse Use = ChunkUse.Likelihood, TokenPairBias? Bias = null, double BiasThreshold = 0.1,
    BoundaryMode Boundary = BoundaryMode.AppendBoundary);

/// <summary>What an objective reads of a chunk.</summary>
internal enum ChunkUse
{
    /// <summary>
    /// Likelihoods: a chunk counts when every token of it, on both sides, has a score and counts in the loss mask. A chunk cut by
    /// a mask, or holding the unscored first token of a side, would compare the likelihoods of different texts.
    /// </summary>
    Likelihood,

    /// <summary>Hidden states at the last tokens: they exist for every chunk, whatever the loss masks say.</summary>
    HiddenState,
}
