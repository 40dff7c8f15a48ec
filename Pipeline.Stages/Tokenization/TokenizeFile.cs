using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tokenization;

/// <summary>
/// JSON Lines of <c>{"text": ...}</c> to JSON Lines of <c>{"ids": [...]}</c>, with <c>"decoded"</c> on request: the text as it is, so that the
/// ids can be held against any other implementation's.
/// </summary>
public static class TokenizeFile
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <param name="tokenizer">Encodes and decodes.</param>
    /// <param name="storage">All files go through it.</param>
    /// <param name="inputPath">One JSON object per line, each with a string <c>text</c>; other members are ignored.</param>
    /// <param name="outputPath">Appears whole when everything is written.</param>
    /// <param name="addSpecialTokens">Whether the tokenizer's template puts its marks around each text.</param>
    /// <param name="decode">Whether the text's ids are decoded again: special tokens of the text stay, the template's marks around it do not.</param>
    /// <exception cref="InputException">A line is not such an object; the message names it.</exception>
    public static void Run(TextTokenizer tokenizer, IStorage storage, string inputPath, string outputPath, bool addSpecialTokens, bool decode)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(storage);
        TextEncoder encoder = tokenizer.CreateEncoder();
        var ids = new List<int>();
        var line = new ArrayBufferWriter<byte>(4096);
        storage.WriteAtomically(Path.GetFullPath(outputPath), output =>
        {
            using Stream input = storage.OpenRead(inputPath);
            using var json = new Utf8JsonWriter(line, s_options);
            foreach (string text in TextLines.Read(input, inputPath))
            {
                ids.Clear();
                encoder.Encode(text, addSpecialTokens, ids);
                line.ResetWrittenCount();
                json.Reset();
                ReadOnlySpan<int> all = CollectionsMarshal.AsSpan(ids);
                Range own = addSpecialTokens ? tokenizer.Definition.Frame.Before.Count..^tokenizer.Definition.Frame.After.Count : ..;
                WriteLine(json, all, decode ? tokenizer.Decode(all[own], skipSpecialTokens: false) : null);
                output.Write(line.WrittenSpan);
                output.WriteByte((byte)'\n');
            }
        });
    }

    private static void WriteLine(Utf8JsonWriter json, ReadOnlySpan<int> ids, string? decoded)
    {
        json.WriteStartObject();
        json.WriteStartArray("ids");
        foreach (int id in ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
        if (decoded is not null)
            json.WriteString("decoded", decoded);
        json.WriteEndObject();
        json.Flush();
    }
}
