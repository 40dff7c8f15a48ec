namespace Pipeline.Stages.Models.Generation;

/// <summary>Text that is certain: no later token changes it, and no stop string begins in it.</summary>
/// <param name="Prompt">Number of the prompt.</param>
/// <param name="Text">What comes next; may be empty in the last piece.</param>
/// <param name="Ends">True for the prompt's last piece.</param>
internal readonly record struct TextPiece(int Prompt, string Text, bool Ends);
