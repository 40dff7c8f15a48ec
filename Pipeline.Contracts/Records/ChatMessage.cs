namespace Pipeline.Contracts.Records;

/// <summary>One turn of a conversation, as a <c>messages</c> column holds it.</summary>
/// <param name="Role">Who speaks.</param>
/// <param name="Content">What is said; empty where the content is null or not there.</param>
/// <param name="Fields">
/// Null where the message is role and content alone. Else all its fields as a JSON object, in their order, for the chat template: role and
/// content are empty strings there, but for a content that is null.
/// </param>
public sealed record ChatMessage(string Role, string Content, string? Fields = null);
