namespace Pipeline.Contracts.Records;

/// <summary>
/// The smallest pair of token runs, teacher [TeacherStart, TeacherEnd) and student [StudentStart, StudentEnd), that end on the
/// same byte of the text, or that stand for the same unit of a template (arXiv 2503.20083, section 3).
/// </summary>
public readonly record struct Chunk(int TeacherStart, int TeacherEnd, int StudentStart, int StudentEnd);
