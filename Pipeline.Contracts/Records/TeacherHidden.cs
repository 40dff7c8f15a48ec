namespace Pipeline.Contracts.Records;

/// <summary>Teacher hidden states at the last teacher token of every chunk.</summary>
/// <param name="Layers">Which hidden states: 0 is the embedding output, L the last, after the final norm.</param>
/// <param name="Width">Hidden size H.</param>
/// <param name="Values">[layers, chunks, H] row-major, float16.</param>
public sealed record TeacherHidden(int[] Layers, int Width, Half[] Values);
