using System.Text.Json;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>
/// A JSON value and the place where it stands, so that each refusal can name the file, the path in it, what was found and what is supported.
/// </summary>
internal readonly record struct JsonPlace(string File, string Path, JsonElement Value)
{
    public bool IsNull => Value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    public InputException Refuse(string found, string supported)
        => new($"tokenizer {File}: {Path} is {found}; {supported}");

    public bool Has(string name) => Value.ValueKind == JsonValueKind.Object && Value.TryGetProperty(name, out _);

    /// <summary>A member of the object, or an undefined value if there is none.</summary>
    public JsonPlace this[string name]
    {
        get
        {
            if (Value.ValueKind != JsonValueKind.Object)
                throw Refuse(Describe(), "expected an object");
            return new JsonPlace(File, $"{Path}.{name}", Value.TryGetProperty(name, out JsonElement member) ? member : default);
        }
    }

    public IEnumerable<JsonPlace> Items()
    {
        if (Value.ValueKind != JsonValueKind.Array)
            throw Refuse(Describe(), "expected a list");
        int i = 0;
        foreach (JsonElement item in Value.EnumerateArray())
            yield return new JsonPlace(File, $"{Path}[{i++}]", item);
    }

    public string Text()
    {
        if (Value.ValueKind != JsonValueKind.String)
            throw Refuse(Describe(), "expected a string");
        try
        {
            return Value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Refuse("a string with half a surrogate pair", "expected well-formed text");
        }
    }

    public string? TextOrNull() => IsNull ? null : Text();

    public char Character()
    {
        string text = Text();
        return text.Length == 1 ? text[0] : throw Refuse($"'{text}'", "one character below U+10000 is supported");
    }

    public bool Flag() => Value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Refuse(Describe(), "expected true or false"),
    };

    public bool Flag(bool absent) => IsNull ? absent : Flag();

    public int Number(int least, int most)
        => Value.ValueKind == JsonValueKind.Number && Value.TryGetInt32(out int number) && number >= least && number <= most
            ? number
            : throw Refuse(Describe(), $"expected a whole number from {least} to {most}");

    /// <summary>The value as JSON, shortened for a message, or "absent".</summary>
    public string Describe()
    {
        if (Value.ValueKind == JsonValueKind.Undefined)
            return "absent";
        string text = Value.GetRawText();
        return text.Length <= 60 ? text : $"{text[..60]}...";
    }
}
