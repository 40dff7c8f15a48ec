namespace Pipeline.Contracts.Records;

/// <summary>
/// What a student learns from: the record of a shard. <see cref="Teacher"/> is null if no teacher was run (text only, for SFT);
/// the chunks are then empty.
/// </summary>
public sealed record Example(DocumentId Id, string Text, TokenSequence Student, TeacherView? Teacher, Chunk[] Chunks) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Text) + RecordWeight.Of(Student) + RecordWeight.Of(Chunks)
        + (Teacher is null ? 0 : RecordWeight.Of(Teacher));
}

/// <summary>The teacher's side of an example: its tokens, its two numbers per token, and hidden states and next bytes if they were asked for.</summary>
public sealed record TeacherView(TokenSequence Tokens, TeacherScores Scores, TeacherHidden? Hidden = null, TeacherBytes? Bytes = null);
