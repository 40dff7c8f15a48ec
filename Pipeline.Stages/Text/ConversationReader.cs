using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Text;

/// <summary>
/// Reads a conversation in JSON in the form that chat templates get: the role and content of each message, its other fields as they are
/// (<c>tool_calls</c>, <c>name</c>, <c>reasoning_content</c>, ...), and the row's <c>tools</c> and <c>documents</c>.
/// </summary>
internal static class ConversationReader
{
    /// <summary>Reads a conversation, or says why it is rejected. The caller must have read all three JSON values to their ends once.</summary>
    /// <param name="messages">The list of messages.</param>
    /// <param name="tools">The row's list of tools, or a string that contains this list as JSON. May be empty.</param>
    /// <param name="documents">The row's list of documents, in the same forms. May be empty.</param>
    /// <param name="maxBytes">Longer conversations are rejected.</param>
    /// <exception cref="InvalidOperationException">A string has half a surrogate pair, or bytes that are not UTF-8.</exception>
    public static RowText Read(ReadOnlySpan<byte> messages, ReadOnlySpan<byte> tools, ReadOnlySpan<byte> documents, int maxBytes)
    {
        var reader = new Utf8JsonReader(messages, JsonLine.AnyDepth);
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
            return RowText.Rejected(TextRejects.NoMessages);
        if (reader.TokenType != JsonTokenType.StartArray)
            return RowText.Rejected(TextRejects.NotMessages);
        List<ChatMessage> turns = [];
        long bytes = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
                return RowText.Rejected(TextRejects.NotMessages);
            var message = new MessageReader();
            if (message.Read(JsonLine.Raw(ref reader, messages)) is { } reject)
                return reject;
            turns.Add(message.ToMessage());
            bytes += Bytes(turns[^1].Role) + Bytes(turns[^1].Content) + Bytes(turns[^1].Fields);
        }
        if (turns.Count == 0)
            return RowText.Rejected(TextRejects.NoMessages);
        var fields = new JsonFields();
        if ((Add(fields, "tools", tools) ?? Add(fields, "documents", documents)) is { } wrong)
            return wrong;
        bytes += Bytes(fields.ToJson());
        return bytes <= maxBytes
            ? new RowText("", turns, bytes) { Fields = fields.ToJson() }
            : RowText.Rejected(TextRejects.TooLong, $": {bytes} bytes");
    }

    /// <summary>Adds a field of the row. Returns the reason if it cannot be given to a template, and else null.</summary>
    internal static RowText? Add(JsonFields fields, string name, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
            return null;
        var reader = new Utf8JsonReader(value, JsonLine.AnyDepth);
        reader.Read();
        // A column has one type and cannot hold tools of many forms, so data sets write the list as a string.
        if (reader.TokenType == JsonTokenType.String)
        {
            value = Encoding.UTF8.GetBytes(reader.GetString()!);
            if (value.IsEmpty || value.SequenceEqual("null"u8))
                return null;
            if (!IsList(value))
                return RowText.Rejected(TextRejects.NotCarried, $": '{name}' is a string that is not a JSON list");
        }
        else if (reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.Null))
        {
            return RowText.Rejected(TextRejects.NotCarried, $": '{name}' is not a list");
        }
        return fields.Add(name, value) is { } why ? RowText.Rejected(TextRejects.NotCarried, $": '{name}' {why}") : null;
    }

    private static bool IsList(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json, JsonLine.AnyDepth);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
                return false;
            reader.Skip();
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static int Bytes(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);
}
