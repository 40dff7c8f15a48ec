namespace Pipeline.Stages.Embeddings;

/// <summary>Options of <c>match-tokens</c>. There are none, since the tokenizers are those of the run.</summary>
internal sealed record MatchTokensOptions;
