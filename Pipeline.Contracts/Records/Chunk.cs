namespace Pipeline.Contracts.Records;

/// <summary>
/// The smallest pair of token runs, one of each side, that end on the same byte of the text or stand for the same unit of a template (arXiv 2503.20083,
/// section 3). The teacher's run is [TeacherStart, TeacherEnd), the student's [StudentStart, StudentEnd), as indices into their token sequences.
/// </summary>
public readonly record struct Chunk(int TeacherStart, int TeacherEnd, int StudentStart, int StudentEnd);
