using System.Text.Json;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Text;

/// <summary>The text, or the conversation, of one line of JSON.</summary>
internal static class JsonLine
{
    public static RowText Read(ReadOnlySpan<byte> line, ReadJsonlOptions options)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return RowText.Rejected(TextRejects.NotAnObject);
            string name = options.Messages ?? options.Field;
            RowText? found = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isWanted = reader.ValueTextEquals(name);
                reader.Read();
                // As other readers of JSON do, the last of two equal names counts.
                if (isWanted)
                    found = options.Messages is null ? ReadText(ref reader, options) : ReadMessages(ref reader, options);
                else
                    reader.Skip();
            }
            return reader.Read() ? RowText.Rejected(TextRejects.NotJson) : found ?? RowText.Rejected(TextRejects.NoField, $" '{name}'");
        }
        catch (JsonException e)
        {
            return RowText.Rejected(TextRejects.NotJson, $": {e.Message}");
        }
        catch (InvalidOperationException)
        {
            // What the reader throws for half of a surrogate pair or for bytes that are not UTF-8.
            return RowText.Rejected(TextRejects.NotUnicode);
        }
    }

    /// <summary>Names at the top of a line, for a message that says what there is.</summary>
    public static IReadOnlyList<string> Names(ReadOnlySpan<byte> line)
    {
        var names = new List<string>();
        var reader = new Utf8JsonReader(line);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            names.Add(Name(ref reader));
            reader.Read();
            reader.Skip();
        }
        return names;
    }

    private static string Name(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return "(not well-formed)";
        }
    }

    private static RowText ReadText(ref Utf8JsonReader reader, ReadJsonlOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return RowText.Rejected(TextRejects.Null);
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return RowText.Rejected(TextRejects.NotText);
        }
        string text = reader.GetString()!;
        int bytes = System.Text.Encoding.UTF8.GetByteCount(text);
        if (bytes == 0)
            return RowText.Rejected(TextRejects.Empty);
        return bytes <= options.MaxDocumentBytes ? new RowText(text, null, bytes) : RowText.Rejected(TextRejects.TooLong, $": {bytes} bytes");
    }

    private static RowText ReadMessages(ref Utf8JsonReader reader, ReadJsonlOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return RowText.Rejected(TextRejects.NoMessages);
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return RowText.Rejected(TextRejects.NotMessages);
        }
        var messages = new List<ChatMessage>();
        RowText? reject = null;
        long bytes = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                reject ??= RowText.Rejected(TextRejects.NotMessages);
                continue;
            }
            if (ReadMessage(ref reader) is { } message)
            {
                bytes += System.Text.Encoding.UTF8.GetByteCount(message.Content) + System.Text.Encoding.UTF8.GetByteCount(message.Role);
                messages.Add(message);
            }
            else
            {
                reject ??= RowText.Rejected(TextRejects.IncompleteMessage);
            }
        }
        if (reject is { } reason)
            return reason;
        if (messages.Count == 0)
            return RowText.Rejected(TextRejects.NoMessages);
        return bytes <= options.MaxDocumentBytes ? new RowText("", messages, bytes) : RowText.Rejected(TextRejects.TooLong, $": {bytes} bytes");
    }

    private static ChatMessage? ReadMessage(ref Utf8JsonReader reader)
    {
        string? role = null, content = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isRole = reader.ValueTextEquals("role"u8), isContent = reader.ValueTextEquals("content"u8);
            reader.Read();
            if (isRole && reader.TokenType == JsonTokenType.String)
                role = reader.GetString();
            else if (isContent && reader.TokenType == JsonTokenType.String)
                content = reader.GetString();
            else
                reader.Skip();
        }
        return role is null || content is null ? null : new ChatMessage(role, content);
    }
}
