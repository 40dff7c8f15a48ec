using System.Text;
using System.Text.Json;

namespace Pipeline.Stages.Text;

/// <summary>Joins a message's content that is given as a list of parts. Templates write the parts one after the other; if all are text, so does this.</summary>
internal static class TextParts
{
    public static string? Join(ReadOnlySpan<byte> parts, out RowText? reject)
    {
        var reader = new Utf8JsonReader(parts, JsonLine.AnyDepth);
        var text = new StringBuilder();
        int count = 0;
        reject = null;
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            count++;
            string? part = reader.TokenType switch
            {
                JsonTokenType.String => reader.GetString(),
                JsonTokenType.StartObject => ReadPart(ref reader, out reject),
                _ => Refuse("one that is neither an object nor text", out reject),
            };
            if (reject is not null)
                return null;
            text.Append(part);
        }
        if (count == 0)
            reject = RowText.Rejected(TextRejects.NotTextParts, ": it is empty");
        return text.ToString();
    }

    private static string? ReadPart(ref Utf8JsonReader reader, out RowText? reject)
    {
        string? text = null, type = null, other = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            // Where all parts have one type, what a part does not have is null.
            if (reader.TokenType == JsonTokenType.Null)
                continue;
            if (name == "type" && reader.TokenType == JsonTokenType.String)
                type = reader.GetString();
            else if (name == "text" && reader.TokenType == JsonTokenType.String)
                text = reader.GetString();
            else
                other = name;
            reader.Skip();
        }
        reject = null;
        if (type is not null and not "text")
            return Refuse($"one of type '{type}'", out reject);
        if (other is not null)
            return Refuse($"one with '{other}'", out reject);
        return text ?? Refuse("one without text", out reject);
    }

    private static string? Refuse(string part, out RowText? reject)
    {
        reject = RowText.Rejected(TextRejects.NotTextParts, $": {part}");
        return null;
    }
}
