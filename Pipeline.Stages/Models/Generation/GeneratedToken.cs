namespace Pipeline.Stages.Models.Generation;

/// <summary>One new token of one prompt, in the order they are made.</summary>
/// <param name="Prompt">Number of the prompt in the batch.</param>
/// <param name="Id">The token.</param>
/// <param name="Ends">True for the prompt's last token: an end mark, or the limit is reached.</param>
public readonly record struct GeneratedToken(int Prompt, int Id, bool Ends);
