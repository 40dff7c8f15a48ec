using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tokenization;

/// <summary>The number of lines that were tokenized, and of those that could not be.</summary>
public readonly record struct TokenizeFileCounts(long Tokenized, long Rejected);

/// <summary>
/// Tokenizes JSON Lines of <c>{"text": ...}</c> into JSON Lines of <c>{"ids": [...]}</c>, line for line, with <c>"decoded"</c> on request. The text is
/// taken as it is, so that the ids can be compared with those of any other implementation. A line that cannot be used becomes <c>{"error": ...}</c>.
/// </summary>
public static class TokenizeFile
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <param name="tokenizer">The tokenizer that encodes and decodes.</param>
    /// <param name="storage">The file system.</param>
    /// <param name="inputPath">A file, perhaps a .gz or .zst, with a JSON object per line. Its string <c>text</c> is read, and nothing else.</param>
    /// <param name="outputPath">The file to write. It appears only when it is complete.</param>
    /// <param name="addSpecialTokens">Whether to add the special tokens that the tokenizer's template puts around a text.</param>
    /// <param name="decode">Whether to decode the ids again. Special tokens inside the text are decoded; those that the template added are not.</param>
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
                // An empty text is not an error here: its ids are the special tokens around it, if any.
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
