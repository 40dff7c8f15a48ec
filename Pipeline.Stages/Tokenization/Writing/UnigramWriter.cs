using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pipeline.Stages.Tokenization.Writing;

/// <summary>Writes a Unigram tokenizer.json over bytes that Hugging Face's crate loads.</summary>
internal static class UnigramWriter
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="pieces">Spelt in the byte alphabet, by id, with log-probabilities.</param>
    /// <param name="specials">Their ids follow the pieces'.</param>
    /// <param name="bos">Put in front of a text when special tokens are asked for.</param>
    /// <param name="regex">What text is split by before the bytes are taken.</param>
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
                // The float's own value, not its shortest spelling: the crate reads float64.
                json.WriteNumberValue((double)score);
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }
}
