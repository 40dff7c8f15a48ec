namespace Pipeline.Contracts.Records;

/// <summary>A document, or a part of a long one, under both tokenizers.</summary>
/// <param name="Id">Where it comes from.</param>
/// <param name="Text">The text, well-formed and in NFC. The byte views of either side, one after the other, are its UTF-8.</param>
/// <param name="Teacher">The teacher's tokens.</param>
/// <param name="Student">The student's tokens.</param>
/// <param name="Chunks">The chunks, in order.</param>
public sealed record AlignedPair(DocumentId Id, string Text, TokenSequence Teacher, TokenSequence Student, Chunk[] Chunks) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Text) + RecordWeight.Of(Teacher) + RecordWeight.Of(Student) + RecordWeight.Of(Chunks);
}
