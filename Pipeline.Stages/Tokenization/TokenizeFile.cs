using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tokenization;

/// <summary>How many lines were tokenized, and how many could not be.</summary>
public readonly record struct TokenizeFileCounts(long Tokenized, long Rejected);

/// <summary>
/// JSON Lines of <c>{"text": ...}</c> to JSON Lines of <c>{"ids": [...]}</c>, line for line, with <c>"decoded"</c> on request: the text as it is,
/// so that the ids can be held against any other implementation's. A line that cannot be used gives <c>{"error": ...}</c>.
/// </summary>
public static class TokenizeFile
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <param name="tokenizer">Encodes and decodes.</param>
    /// <param name="storage">All files go through it.</param>
    /// <param name="inputPath">One JSON object per line, each with a string <c>text</c>; other members are ignored. .gz and .zst are read too.</param>
    /// <param name="outputPath">Appears whole when everything is written.</param>
    /// <param name="addSpecialTokens">Whether the tokenizer's template adds its special tokens to each text.</param>
    /// <param name="decode">Whether the text's ids are decoded again: special tokens of the text stay, those that the template added do not.</param>
    /// <exception cref="InputException">No line of the file is such an object.</exception>
    public static TokenizeFileCounts Run(TextTokenizer tokenizer, IStorage storage, string inputPath, string outputPath, bool addSpecialTokens, bool decode)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(storage);
        var options = new ReadJsonlOptions { Files = [inputPath], MaxDocumentBytes = 1 << 28, MaxLineBytes = 1 << 29 };
        LineFileForm.Require(storage, inputPath, options);
        TextEncoder encoder = tokenizer.CreateEncoder();
        var ids = new List<int>();
        var line = new ArrayBufferWriter<byte>(4096);
        long tokenized = 0, rejected = 0;
        outputPath = Path.GetFullPath(outputPath);
        Staging.CleanLeft(storage, outputPath);
        storage.WriteAtomically(outputPath, output =>
        {
            using Stream stream = storage.OpenRead(inputPath);
            using Stream input = LineCompression.Open(inputPath, stream);
            using var json = new Utf8JsonWriter(line, s_options);
            var lines = new LineReader(input, inputPath, options.MaxLineBytes);
            for (long row = 0; lines.Next(); row++)
            {
                line.ResetWrittenCount();
                json.Reset();
                RowText read = LineFileForm.Read(lines, row, options);
                // An empty text has no ids except the special tokens around it.
                if (read.Reject is null or TextRejects.Empty)
                {
                    ids.Clear();
                    encoder.Encode(read.Text, addSpecialTokens, ids);
                    ReadOnlySpan<int> all = CollectionsMarshal.AsSpan(ids);
                    Range own = addSpecialTokens ? tokenizer.Definition.Frame.Before.Count..^tokenizer.Definition.Frame.After.Count : ..;
                    WriteLine(json, all, decode ? tokenizer.Decode(all[own], skipSpecialTokens: false) : null);
                    tokenized++;
                }
                else
                {
                    WriteError(json, read.Reject + read.Detail);
                    rejected++;
                }
                output.Write(line.WrittenSpan);
                output.WriteByte((byte)'\n');
            }
        });
        return new TokenizeFileCounts(tokenized, rejected);
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

    private static void WriteError(Utf8JsonWriter json, string error)
    {
        json.WriteStartObject();
        json.WriteString("error", error);
        json.WriteEndObject();
        json.Flush();
    }
}
