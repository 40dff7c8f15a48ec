namespace Pipeline.Contracts.Records;

/// <summary>
/// A document as read. Plain text has <see cref="Messages"/> null; a conversation has its turns there and an empty
/// <see cref="Text"/> until each side's template renders it.
/// </summary>
/// <param name="Fields">Of a conversation: a JSON object with the row's <c>tools</c> and <c>documents</c>; null where it has neither.</param>
public sealed record TextDocument(DocumentId Id, string Text, IReadOnlyList<ChatMessage>? Messages = null, string? Fields = null) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Text) + RecordWeight.Of(Fields)
        + (Messages?.Sum(m => RecordWeight.Of(m.Content) + RecordWeight.Of(m.Fields)) ?? 0);
}
