using System.Text.Encodings.Web;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Writing;

/// <summary>Adds special tokens to a tokenizer.json and leaves every other part of it as it was written.</summary>
internal static class AddedTokenWriter
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Add(byte[] tokenizer, IReadOnlyList<string> contents, Func<string, int?> idOf, int firstId, string file)
    {
        using JsonDocument document = JsonDocument.Parse(tokenizer);
        using var stream = new MemoryStream(tokenizer.Length + 4096);
        using (var json = new Utf8JsonWriter(stream, s_options))
        {
            json.WriteStartObject();
            bool written = false;
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                json.WritePropertyName(property.Name);
                if (property.Name != "added_tokens")
                {
                    json.WriteRawValue(property.Value.GetRawText(), skipInputValidation: true);
                    continue;
                }
                json.WriteStartArray();
                if (property.Value.ValueKind == JsonValueKind.Array)
                {
                    foreach (JsonElement token in property.Value.EnumerateArray())
                        json.WriteRawValue(token.GetRawText(), skipInputValidation: true);
                }
                WriteAll(json, contents, idOf, firstId, file);
                json.WriteEndArray();
                written = true;
            }
            if (!written)
            {
                json.WriteStartArray("added_tokens");
                WriteAll(json, contents, idOf, firstId, file);
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    public static void Write(Utf8JsonWriter json, int id, string content)
    {
        json.WriteStartObject();
        json.WriteNumber("id", id);
        json.WriteString("content", content);
        json.WriteBoolean("single_word", false);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("special", true);
        json.WriteEndObject();
    }

    private static void WriteAll(Utf8JsonWriter json, IReadOnlyList<string> contents, Func<string, int?> idOf, int firstId, string file)
    {
        int next = firstId;
        foreach (string content in contents)
        {
            if (!WellFormedText.IsWellFormed(content))
                throw new InputException($"tokenizer {file}: a token to be added has half a surrogate pair; give well-formed text");
            Write(json, idOf(content) ?? next++, content);
        }
    }
}
