using System.Text.Encodings.Web;
using System.Text.Json;
using Pipeline.Stages.Tokenization.Reading;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Writing;

/// <summary>
/// Writes a byte-level tokenizer.json that Hugging Face's crate can load. Without merges it has one token for each byte. The trainer adds merges and a
/// regular expression by which text is split.
/// </summary>
internal static class ByteTokenizerWriter
{
    public const string Bos = "<|bos|>";
    public const string Eos = "<|eos|>";
    public const string Pad = "<|pad|>";

    private static readonly JsonWriterOptions s_options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The special tokens that the tokenizer <c>"bytes"</c> has in addition to the 256 bytes.</summary>
    public static IReadOnlyList<string> DefaultSpecials { get; } = [Bos, Eos, Pad, "<|im_start|>", "<|im_end|>"];

    /// <summary>A tokenizer.json with one token for each byte, whose id is the byte.</summary>
    public static byte[] Write(IReadOnlyList<string> specials, string? bos)
        => Write(new Vocabulary([.. Enumerable.Range(0, 256).Select(b => ByteAlphabet.Character((byte)b).ToString())], []), specials, bos, null, false);

    /// <summary>A tokenizer.json of a byte-level BPE.</summary>
    /// <param name="vocabulary">The tokens by id, and the merges by rank.</param>
    /// <param name="specials">The special tokens. Their ids follow those of the vocabulary.</param>
    /// <param name="bos">The token to put in front of a text when special tokens are asked for, or null.</param>
    /// <param name="regex">The regular expression by which text is split into words, or null to leave it whole.</param>
    /// <param name="nfc">Whether text is first normalized to NFC.</param>
    public static byte[] Write(Vocabulary vocabulary, IReadOnlyList<string> specials, string? bos, string? regex, bool nfc)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_options))
            WriteFrame(json, vocabulary.Tokens.Count, specials, bos, regex, nfc, j => WriteModel(j, vocabulary));
        return stream.ToArray();
    }

    /// <summary>Writes a byte-level tokenizer.json around any model.</summary>
    /// <param name="json">The writer to write to.</param>
    /// <param name="count">The number of tokens of the model. The ids of the special tokens follow them.</param>
    /// <param name="specials">The special tokens, in the order of their ids.</param>
    /// <param name="bos">The token to put in front of a text when special tokens are asked for, or null.</param>
    /// <param name="regex">The regular expression by which text is split into words, or null to leave it whole.</param>
    /// <param name="nfc">Whether text is first normalized to NFC.</param>
    /// <param name="writeModel">Writes the property <c>model</c>.</param>
    public static void WriteFrame(
        Utf8JsonWriter json, int count, IReadOnlyList<string> specials, string? bos, string? regex, bool nfc, Action<Utf8JsonWriter> writeModel)
    {
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        for (int i = 0; i < specials.Count; i++)
            AddedTokenWriter.Write(json, count + i, specials[i]);
        json.WriteEndArray();
        if (nfc)
            WriteTyped(json, "normalizer", "NFC");
        else
            json.WriteNull("normalizer");
        WritePreTokenizer(json, regex);
        WriteTemplate(json, bos, bos is null ? 0 : count + specials.ToList().IndexOf(bos));
        json.WritePropertyName("decoder");
        WriteByteLevel(json);
        writeModel(json);
        json.WriteEndObject();
    }

    public static Dictionary<string, byte[]> Companions(string? bos, string? eos, string? pad)
        => new(StringComparer.Ordinal) { [TokenizerFolder.Config] = Config(bos, eos, pad) };

    public static byte[] Config(string? bos, string? eos, string? pad)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_options))
        {
            json.WriteStartObject();
            json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
            if (bos is not null)
                json.WriteString("bos_token", bos);
            if (eos is not null)
                json.WriteString("eos_token", eos);
            if (pad is not null)
                json.WriteString("pad_token", pad);
            json.WriteBoolean("clean_up_tokenization_spaces", false);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static void WriteTyped(Utf8JsonWriter json, string property, string type)
    {
        json.WriteStartObject(property);
        json.WriteString("type", type);
        json.WriteEndObject();
    }

    private static void WriteByteLevel(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", false);
        json.WriteBoolean("use_regex", false);
        json.WriteEndObject();
    }

    private static void WritePreTokenizer(Utf8JsonWriter json, string? regex)
    {
        json.WritePropertyName("pre_tokenizer");
        if (regex is null)
        {
            WriteByteLevel(json);
            return;
        }
        json.WriteStartObject();
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", regex);
        json.WriteEndObject();
        json.WriteString("behavior", "Isolated");
        json.WriteBoolean("invert", false);
        json.WriteEndObject();
        WriteByteLevel(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTemplate(Utf8JsonWriter json, string? bos, int bosId)
    {
        if (bos is null)
        {
            json.WriteNull("post_processor");
            return;
        }
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        json.WriteStartArray("single");
        WriteItem(json, "SpecialToken", bos, 0);
        WriteItem(json, "Sequence", "A", 0);
        json.WriteEndArray();
        json.WriteStartArray("pair");
        WriteItem(json, "SpecialToken", bos, 0);
        WriteItem(json, "Sequence", "A", 0);
        WriteItem(json, "Sequence", "B", 1);
        json.WriteEndArray();
        json.WriteStartObject("special_tokens");
        json.WriteStartObject(bos);
        json.WriteString("id", bos);
        json.WriteStartArray("ids");
        json.WriteNumberValue(bosId);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(bos);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteItem(Utf8JsonWriter json, string kind, string id, int typeId)
    {
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", typeId);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter json, Vocabulary vocabulary)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", false);
        json.WriteStartObject("vocab");
        for (int id = 0; id < vocabulary.Tokens.Count; id++)
            json.WriteNumber(vocabulary.Tokens[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach ((int left, int right) in vocabulary.Merges)
            json.WriteStringValue($"{vocabulary.Tokens[left]} {vocabulary.Tokens[right]}");
        json.WriteEndArray();
        json.WriteEndObject();
    }
}

/// <summary>A byte-level vocabulary: the tokens by id, spelt in the byte alphabet, and the merges as pairs of ids, by rank.</summary>
internal sealed record Vocabulary(IReadOnlyList<string> Tokens, IReadOnlyList<(int Left, int Right)> Merges);
