namespace Pipeline.Contracts.Records;

/// <summary>
/// A document as read. Plain text has <see cref="Messages"/> null; a conversation has its turns there and an empty
/// <see cref="Text"/> until each side's template renders it.
/// </summary>
public sealed record TextDocument(DocumentId Id, string Text, IReadOnlyList<ChatMessage>? Messages = null);
