namespace Pipeline.Contracts.Records;

/// <summary>A document under both tokenizers. <paramref name="Text"/> is well-formed and NFC; both byte views equal its UTF-8.</summary>
public sealed record TokenizedPair(DocumentId Id, string Text, TokenSequence Teacher, TokenSequence Student) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Text) + RecordWeight.Of(Teacher) + RecordWeight.Of(Student);
}
