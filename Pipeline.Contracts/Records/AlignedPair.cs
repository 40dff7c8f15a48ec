namespace Pipeline.Contracts.Records;

/// <summary>A tokenized pair with its chunks, in order.</summary>
public sealed record AlignedPair(DocumentId Id, string Text, TokenSequence Teacher, TokenSequence Student, Chunk[] Chunks) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Text) + RecordWeight.Of(Teacher) + RecordWeight.Of(Student) + RecordWeight.Of(Chunks);
}
