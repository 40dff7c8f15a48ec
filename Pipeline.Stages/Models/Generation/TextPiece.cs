namespace Pipeline.Stages.Models.Generation;

/// <summary>A piece of generated text that is certain: no later token changes it, and no stop string begins in it.</summary>
/// <param name="Prompt">The number of the prompt, from 0.</param>
/// <param name="Text">The text that follows the piece before. It may be empty in the last piece.</param>
/// <param name="Ends">Whether it is the last piece of this prompt.</param>
internal readonly record struct TextPiece(int Prompt, string Text, bool Ends);
