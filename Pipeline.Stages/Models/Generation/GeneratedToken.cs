namespace Pipeline.Stages.Models.Generation;

/// <summary>A token that was generated after one of several prompts.</summary>
/// <param name="Prompt">The number of the prompt, from 0.</param>
/// <param name="Id">The token.</param>
/// <param name="Ends">
/// Whether it is the last one, because it ends the text or because the limit is reached. A prompt that the caller stops may have none that ends.
/// </param>
public readonly record struct GeneratedToken(int Prompt, int Id, bool Ends);
