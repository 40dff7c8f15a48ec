namespace Pipeline.Contracts.Records;

/// <summary>One turn of a conversation, as a <c>messages</c> column holds it.</summary>
/// <param name="Role">Who speaks.</param>
/// <param name="Content">What is said; empty if the content is null or missing.</param>
/// <param name="Fields">
/// Null if the message has only a role and content. Otherwise all its fields for the chat template, as a JSON object in their order. Role and content
/// are empty strings in it, except that content which is null stays null.
/// </param>
public sealed record ChatMessage(string Role, string Content, string? Fields = null);
