namespace Pipeline.Contracts.Records;

/// <summary>One turn of a conversation, as a <c>messages</c> column holds it.</summary>
public sealed record ChatMessage(string Role, string Content);
