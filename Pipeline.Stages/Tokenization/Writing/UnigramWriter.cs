using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pipeline.Stages.Tokenization.Writing;

/// <summary>Writes a tokenizer.json of a Unigram model over bytes, which Hugging Face's crate can load.</summary>
internal static class UnigramWriter
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="pieces">The tokens by id, spelt in the byte alphabet, with their natural log-probabilities.</param>
    /// <param name="specials">The special tokens. Their ids follow those of the pieces.</param>
    /// <param name="bos">The token to put in front of a text when special tokens are asked for, or null.</param>
    /// <param name="regex">The regular expression by which text is split into words.</param>
    public static byte[] Write(IReadOnlyList<(string Piece, float Score)> pieces, IReadOnlyList<string> specials, string? bos, string regex)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_options))
        {
            ByteTokenizerWriter.WriteFrame(json, pieces.Count, specials, bos, regex, nfc: false, WriteModel);
        }
        return stream.ToArray();

        void WriteModel(Utf8JsonWriter json)
        {
            json.WriteStartObject("model");
            json.WriteString("type", "Unigram");
            json.WriteNull("unk_id");
            json.WriteBoolean("byte_fallback", false);
            json.WriteStartArray("vocab");
            foreach ((string piece, float score) in pieces)
            {
                json.WriteStartArray();
                json.WriteStringValue(piece);
                // The shortest spelling of the float would be another number in float64, which is what the crate reads.
                json.WriteNumberValue((double)score);
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }
}
