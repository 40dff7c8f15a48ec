namespace Pipeline.Contracts.Records;

/// <summary>
/// A document, or a part of a long one, under both tokenizers, with its chunks in order. <paramref name="Text"/> is well-formed and NFC; both
/// byte views equal its UTF-8.
/// </summary>
public sealed record AlignedPair(DocumentId Id, string Text, TokenSequence Teacher, TokenSequence Student, Chunk[] Chunks) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Text) + RecordWeight.Of(Teacher) + RecordWeight.Of(Student) + RecordWeight.Of(Chunks);
}
