namespace Pipeline.Contracts.Records;

/// <summary>What a student learns from, and what a shard stores.</summary>
/// <param name="Id">The document that it comes from.</param>
/// <param name="Text">The text, well-formed.</param>
/// <param name="Student">The student's tokens.</param>
/// <param name="Teacher">What the teacher says about the text; null if no teacher was run, as for SFT on text alone.</param>
/// <param name="Chunks">The chunks of both sides, in order; empty without a teacher.</param>
public sealed record Example(DocumentId Id, string Text, TokenSequence Student, TeacherView? Teacher, Chunk[] Chunks) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Text) + RecordWeight.Of(Student) + RecordWeight.Of(Chunks)
        + (Teacher is null ? 0 : RecordWeight.Of(Teacher));
}

/// <summary>The teacher's side of an example.</summary>
/// <param name="Tokens">[n] The teacher's tokens.</param>
/// <param name="Scores">Two numbers for each of these tokens.</param>
/// <param name="Hidden">Hidden states at the ends of chunks; null unless they were asked for.</param>
/// <param name="Bytes">Distributions over the next byte; null unless they were asked for.</param>
public sealed record TeacherView(TokenSequence Tokens, TeacherScores Scores, TeacherHidden? Hidden = null, TeacherBytes? Bytes = null);
