using System.Text.Json;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Text;

/// <summary>Reads one message of a conversation in JSON.</summary>
internal ref struct MessageReader()
{
    private readonly JsonFields _fields = new();
    private string? _role;
    private string? _content;
    private bool _hasContent;
    private bool _hasOtherFields;
    private bool _hasCallsOrThoughts;
    private bool _isShareGpt;

    /// <summary>Reads the object. Returns the reason if it cannot be used, and else null.</summary>
    public RowText? Read(ReadOnlySpan<byte> message)
    {
        var reader = new Utf8JsonReader(message, JsonLine.AnyDepth);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            RowText? reject = name switch
            {
                "role" => ReadRole(ref reader),
                "content" => ReadContent(ref reader, message),
                _ => ReadField(ref reader, message, name),
            };
            if (reject is not null)
                return reject;
        }
        if (_role is null)
            return RowText.Rejected(_isShareGpt ? TextRejects.ShareGpt : TextRejects.IncompleteMessage);
        if (_content is not null || _hasCallsOrThoughts)
            return null;
        return RowText.Rejected(_hasContent ? TextRejects.NullContent : TextRejects.IncompleteMessage);
    }

    public readonly ChatMessage ToMessage() => new(_role!, _content ?? "", _hasOtherFields || _content is null ? _fields.ToJson() : null);

    private RowText? ReadRole(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
            return RowText.Rejected(TextRejects.IncompleteMessage);
        _role = reader.GetString();
        _fields.Add("role", "\"\""u8);
        return null;
    }

    private RowText? ReadContent(ref Utf8JsonReader reader, ReadOnlySpan<byte> message)
    {
        _hasContent = true;
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                _content = reader.GetString();
                break;
            case JsonTokenType.StartArray:
                _content = TextParts.Join(JsonLine.Raw(ref reader, message), out RowText? reject);
                if (reject is not null)
                    return reject;
                break;
            case JsonTokenType.Null:
                _content = null;
                break;
            default:
                return RowText.Rejected(TextRejects.NotTextContent, $": {Kind(reader.TokenType)}");
        }
        _fields.Add("content", _content is null ? "null"u8 : "\"\""u8);
        return null;
    }

    private RowText? ReadField(ref Utf8JsonReader reader, ReadOnlySpan<byte> message, string name)
    {
        _hasOtherFields = true;
        _isShareGpt |= name is "from" or "value";
        ReadOnlySpan<byte> value = JsonLine.Raw(ref reader, message);
        // An answer may consist of nothing but calls of tools, or thoughts.
        if (name is "tool_calls" or "function_call" or "reasoning_content" or "reasoning" or "thinking")
            _hasCallsOrThoughts |= !(value.SequenceEqual("null"u8) || value.SequenceEqual("[]"u8) || value.SequenceEqual("\"\""u8));
        return _fields.Add(name, value) is { } why ? RowText.Rejected(TextRejects.NotCarried, $": '{name}' {why}") : null;
    }

    private static string Kind(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.Number => "a number",
        _ => "true or false",
    };
}
