namespace Pipeline.Contracts.Records;

/// <summary>The teacher's hidden states at certain positions. In an example these are the last teacher tokens of its chunks, in order.</summary>
/// <param name="Layers">
/// Which hidden states of a teacher with L layers: 0 is the output of the embedding, and L the last one, after the final norm.
/// </param>
/// <param name="Width">H, the size of a hidden state.</param>
/// <param name="Values">[layers, positions, H] Row-major, in float16.</param>
public sealed record TeacherHidden(int[] Layers, int Width, Half[] Values);
