using System.Text.Encodings.Web;
using System.Text.Json;
using Pipeline.Stages.Tokenization.AddedTokens;

namespace Pipeline.Stages.Tokenization.Writing;

/// <summary>Adds tokens to a tokenizer.json. Every other part of it stays as it was written.</summary>
internal static class AddedTokenWriter
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Add(byte[] tokenizer, IReadOnlyList<AddedToken> tokens)
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
                tokens.ToList().ForEach(token => Write(json, token));
                json.WriteEndArray();
                written = true;
            }
            if (!written)
            {
                json.WriteStartArray("added_tokens");
                tokens.ToList().ForEach(token => Write(json, token));
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    /// <summary>Writes a special token that is searched for in the text as it is.</summary>
    public static void Write(Utf8JsonWriter json, int id, string content) => Write(json, Special(id, content));

    /// <summary>A special token that is searched for in the text as it is.</summary>
    public static AddedToken Special(int id, string content) => new(id, content, SingleWord: false, LeftStrip: false, RightStrip: false, Normalized: false, Special: true);

    private static void Write(Utf8JsonWriter json, AddedToken token)
    {
        json.WriteStartObject();
        json.WriteNumber("id", token.Id);
        json.WriteString("content", token.Content);
        json.WriteBoolean("single_word", token.SingleWord);
        json.WriteBoolean("lstrip", token.LeftStrip);
        json.WriteBoolean("rstrip", token.RightStrip);
        json.WriteBoolean("normalized", token.Normalized);
        json.WriteBoolean("special", token.Special);
        json.WriteEndObject();
    }
}
