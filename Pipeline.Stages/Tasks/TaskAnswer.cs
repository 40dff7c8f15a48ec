namespace Pipeline.Stages.Tasks;

/// <summary>A model's answer to a question.</summary>
/// <param name="Scores">Σ log p in nats of each choice, or of the text that is judged. Empty where the model wrote an answer.</param>
/// <param name="Text">The text that the model wrote; null where likelihoods were asked for.</param>
internal sealed record TaskAnswer(IReadOnlyList<double> Scores, string? Text = null);
