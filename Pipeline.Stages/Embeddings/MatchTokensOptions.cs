namespace Pipeline.Stages.Embeddings;

/// <summary>Options of <c>match-tokens</c>: there is nothing to choose, the tokenizers are the run's.</summary>
internal sealed record MatchTokensOptions;
