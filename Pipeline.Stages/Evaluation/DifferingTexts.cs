namespace Pipeline.Stages.Evaluation;

/// <summary>The windows on which a model is furthest behind the teacher, for people to look at.</summary>
/// <param name="Teacher">Name of the teacher.</param>
/// <param name="Student">Name of the model.</param>
/// <param name="Texts">Those with the largest difference in bits per byte first.</param>
public sealed record DifferingTexts(string Teacher, string Student, IReadOnlyList<DifferingText> Texts);

/// <summary>One window under both models.</summary>
/// <param name="Document">Its document's id.</param>
/// <param name="Bytes">UTF-8 bytes of the window.</param>
/// <param name="TeacherBits">Bits of the teacher over the whole window.</param>
/// <param name="StudentBits">Bits of the student over the whole window.</param>
/// <param name="Chunks">The window's text, cut where both tokenizations end at the end of one character; of a long one the first thousand.</param>
public sealed record DifferingText(string Document, int Bytes, double TeacherBits, double StudentBits, IReadOnlyList<DifferingChunk> Chunks);

/// <summary>A piece of text and what both models paid for it.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Bytes">UTF-8 bytes.</param>
/// <param name="TeacherBits">−Σ log2 p of the teacher's tokens.</param>
/// <param name="StudentBits">−Σ log2 p of the student's tokens.</param>
public sealed record DifferingChunk(string Text, int Bytes, double TeacherBits, double StudentBits);
