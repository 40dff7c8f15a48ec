namespace Pipeline.Stages.Tasks;

/// <summary>What a model said to a question.</summary>
/// <param name="Scores">Σ log p in nats: of each choice, or of a whole text; empty where an answer was written.</param>
/// <param name="Text">The answer that was written; null for likelihoods.</param>
internal sealed record TaskAnswer(IReadOnlyList<double> Scores, string? Text = null);
