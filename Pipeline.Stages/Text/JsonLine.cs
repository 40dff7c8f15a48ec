using System.Text;
using System.Text.Json;

namespace Pipeline.Stages.Text;

/// <summary>Reads the text or the conversation of a line of JSON. Everything else in the line is skipped, however deeply it is nested.</summary>
internal static class JsonLine
{
    // The reader needs one bit per level of nesting, so what a deep line costs is limited by its length.
    internal static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    /// <summary>Reads a line, or says why it is rejected.</summary>
    public static RowText Read(ReadOnlySpan<byte> line, ReadJsonlOptions options)
    {
        if (!line.ContainsAnyExcept(" \t\r\n"u8))
            return RowText.Rejected(TextRejects.Blank);
        try
        {
            var reader = new Utf8JsonReader(line, AnyDepth);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return RowText.Rejected(TextRejects.NotAnObject);
            return options.Messages is { } messages ? ReadConversation(ref reader, line, messages, options) : ReadText(ref reader, options);
        }
        catch (JsonException e)
        {
            return RowText.Rejected(TextRejects.NotJson, $": {e.Message}");
        }
        catch (InvalidOperationException)
        {
            // This is what the reader throws for half a surrogate pair, and for bytes that are not UTF-8.
            return RowText.Rejected(TextRejects.NotUnicode);
        }
    }

    /// <summary>The names of a line's fields, for a message that says what there is.</summary>
    public static IReadOnlyList<string> Names(ReadOnlySpan<byte> line)
    {
        var names = new List<string>();
        var reader = new Utf8JsonReader(line, AnyDepth);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            names.Add(Name(ref reader));
            reader.Read();
            reader.Skip();
        }
        return names;
    }

    /// <summary>The line without the byte order mark that some writers put at the beginning of a file.</summary>
    public static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> line, long row)
        => row == 0 && line.StartsWith("\uFEFF"u8) ? line[3..] : line;

    /// <summary>Skips a value and returns its bytes.</summary>
    internal static ReadOnlySpan<byte> Raw(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        return json[start..(int)reader.BytesConsumed];
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

    // Of several fields with the name the last one counts, as in other readers of JSON.
    private static RowText ReadText(ref Utf8JsonReader reader, ReadJsonlOptions options)
    {
        RowText? found = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isWanted = reader.ValueTextEquals(options.Field);
            reader.Read();
            if (isWanted)
                found = ToText(ref reader, options);
            reader.Skip();
        }
        return Found(ref reader, found, options.Field);
    }

    private static RowText ReadConversation(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> line, string name, ReadJsonlOptions options)
    {
        bool isThere = false;
        ReadOnlySpan<byte> messages = [], tools = [], documents = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isMessages = reader.ValueTextEquals(name), isTools = reader.ValueTextEquals("tools"u8), isDocuments = reader.ValueTextEquals("documents"u8);
            reader.Read();
            ReadOnlySpan<byte> value = Raw(ref reader, line);
            isThere |= isMessages;
            if (isMessages)
                messages = value;
            else if (isTools)
                tools = value;
            else if (isDocuments)
                documents = value;
        }
        return Found(ref reader, isThere ? ConversationReader.Read(messages, tools, documents, options.MaxDocumentBytes) : null, name);
    }

    private static RowText Found(ref Utf8JsonReader reader, RowText? found, string name)
        => reader.Read() ? RowText.Rejected(TextRejects.NotJson) : found ?? RowText.Rejected(TextRejects.NoField, $" '{name}'");

    private static RowText ToText(ref Utf8JsonReader reader, ReadJsonlOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return RowText.Rejected(TextRejects.Null);
        if (reader.TokenType != JsonTokenType.String)
            return RowText.Rejected(TextRejects.NotText);
        string text = reader.GetString()!;
        int bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes == 0)
            return RowText.Rejected(TextRejects.Empty);
        return bytes <= options.MaxDocumentBytes ? new RowText(text, null, bytes) : RowText.Rejected(TextRejects.TooLong, $": {bytes} bytes");
    }
}
