namespace Pipeline.Stages.Evaluation;

/// <summary>The windows on which a model is furthest behind the teacher, for people to look at.</summary>
/// <param name="Teacher">The teacher's name.</param>
/// <param name="Student">The model's name.</param>
/// <param name="Texts">The windows, the one with the largest difference in bits per byte first.</param>
public sealed record DifferingTexts(string Teacher, string Student, IReadOnlyList<DifferingText> Texts);

/// <summary>One window, as both models score it.</summary>
/// <param name="Document">The id of its document.</param>
/// <param name="Bytes">Its length in bytes of UTF-8.</param>
/// <param name="TeacherBits">What the whole window costs the teacher, in bits.</param>
/// <param name="StudentBits">What it costs the model.</param>
/// <param name="Chunks">The window's text, cut where tokens of both models end and no character is cut. A long window keeps its first thousand chunks.</param>
public sealed record DifferingText(string Document, int Bytes, double TeacherBits, double StudentBits, IReadOnlyList<DifferingChunk> Chunks);

/// <summary>A piece of text, and what it costs both models.</summary>
/// <param name="Text">The text.</param>
/// <param name="Bytes">Its length in bytes of UTF-8.</param>
/// <param name="TeacherBits">−Σ log2 p over the teacher's tokens.</param>
/// <param name="StudentBits">−Σ log2 p over the model's tokens.</param>
public sealed record DifferingChunk(string Text, int Bytes, double TeacherBits, double StudentBits);
