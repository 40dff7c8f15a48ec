using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pipeline.Stages.Text;

/// <summary>Puts fields together to a JSON object, in their order. Each value is checked: it must be something that a chat template can be given.</summary>
internal sealed class JsonFields
{
    private const int Deepest = 64;

    private static readonly JsonWriterOptions Layout = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private ArrayBufferWriter<byte>? _json;

    /// <summary>The object, or null if there is no field.</summary>
    public string? ToJson() => _json is null ? null : Encoding.UTF8.GetString(_json.WrittenSpan) + "}";

    /// <summary>Adds a field. Returns the reason if its value cannot be given to a template, and else null.</summary>
    /// <exception cref="InvalidOperationException">A string has half a surrogate pair, or bytes that are not UTF-8.</exception>
    public string? Add(string name, ReadOnlySpan<byte> value)
    {
        if (Fault(value) is { } fault)
            return fault;
        bool isFirst = _json is null;
        _json ??= new ArrayBufferWriter<byte>();
        _json.Write(isFirst ? "{"u8 : ","u8);
        using (var writer = new Utf8JsonWriter(_json, Layout))
            writer.WriteStringValue(name);
        _json.Write(":"u8);
        _json.Write(value);
        return null;
    }

    private static string? Fault(ReadOnlySpan<byte> value)
    {
        var reader = new Utf8JsonReader(value, JsonLine.AnyDepth);
        while (reader.Read())
        {
            if (reader.CurrentDepth > Deepest)
                return $"is nested deeper than {Deepest}";
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                reader.GetString();
            else if (reader.TokenType == JsonTokenType.Number && !reader.ValueSpan.ContainsAny("."u8[0], "e"u8[0], "E"u8[0]) && !reader.TryGetInt64(out _))
                return "holds a whole number of more than 64 bits";
        }
        return null;
    }
}
