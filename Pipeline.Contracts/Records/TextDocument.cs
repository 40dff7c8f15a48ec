namespace Pipeline.Contracts.Records;

/// <summary>A document as it was read: a text, or a conversation that each side's chat template will render.</summary>
/// <param name="Id">Where it comes from.</param>
/// <param name="Text">The text; empty for a conversation.</param>
/// <param name="Messages">The turns of a conversation, in order; null for a text.</param>
/// <param name="Fields">For a conversation whose row has <c>tools</c> or <c>documents</c>: a JSON object with these; otherwise null.</param>
public sealed record TextDocument(DocumentId Id, string Text, IReadOnlyList<ChatMessage>? Messages = null, string? Fields = null) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Text) + RecordWeight.Of(Fields)
        + (Messages?.Sum(m => RecordWeight.Of(m.Content) + RecordWeight.Of(m.Fields)) ?? 0);
}
