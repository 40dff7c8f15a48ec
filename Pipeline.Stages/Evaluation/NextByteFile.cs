using System.Globalization;
using System.Runtime.InteropServices;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>The options of <c>alm score --next-bytes</c>.</summary>
/// <param name="Model">The full path of a Hugging Face folder.</param>
/// <param name="Tokenizer">The full path of a tokenizer, or <c>bytes</c>. Null for the folder's own.</param>
/// <param name="Input">A JSON Lines file in which each line has a text.</param>
/// <param name="Output">The full path of the safetensors file to write.</param>
/// <param name="View">Which contexts the distributions are computed from.</param>
/// <param name="Field">The field that holds the text.</param>
/// <param name="BatchTokens">How many tokens a batch may have, padding included.</param>
/// <param name="Edit">The full path of an edit of the model's activations. Null for the edit that the folder itself has, if any.</param>
/// <param name="StrictPositions">Whether to refuse documents of more tokens than the model was made for.</param>
public sealed record NextByteFileOptions(
    string Model, string? Tokenizer, string Input, string Output, BytesView View, string Field = "text", int BatchTokens = 8192, string? Edit = null, bool StrictPositions = false);

/// <summary>
/// Writes a model's distributions over the next byte. Line I of the input becomes the tensor <c>I.logp</c> [N + 1, 257] of float32. Its row k has the
/// natural logarithms of the probabilities of each next byte after the first k of the N bytes of the text (in NFC), and in the last column that of the
/// text's end. Without a bos token, rows are NaN until the first token ends, because everything is conditioned on that token. A space that the tokenizer
/// inserts in front is conditioned on, but has no row of its own. Lines that cannot be used have no tensor.
/// </summary>
/// <param name="storage">Reads and writes all files.</param>
/// <param name="device">Where the model computes.</param>
/// <param name="say">Gets remarks about the model for the user; may be null.</param>
public sealed class NextByteFile(IStorage storage, TorchDevice device, Action<string>? say = null)
{
    // Each character takes at least one row, which is a kilobyte.
    private const int MostLines = 64, MostCharacters = 1 << 15;

    private readonly record struct Line(long Row, string? Text);

    /// <summary>Writes the file, and says how many lines were scored. Nothing is left behind if it fails.</summary>
    /// <exception cref="InputException">
    /// The model, the tokenizer or the input cannot be read, the tokenizer has no exact next bytes, or a number of the model is not finite.
    /// </exception>
    public async Task<ScoreFileCounts> RunAsync(NextByteFileOptions options, CancellationToken cancellationToken)
    {
        LineFileForm.Require(storage, options.Input, new() { Files = [options.Input], Field = options.Field });
        TextTokenizer tokenizer = TextTokenizer.Load(options.Tokenizer ?? options.Model, storage);
        using LanguageModelHolder holder = new(await device.RunAsync(() => LanguageModel.Load(options.Model, tokenizer, storage, device, edit: options.Edit), cancellationToken), device);
        LanguageModel model = holder.Model;
        foreach (string remark in model.Remarks)
            say?.Invoke(remark);
        model.Model.LimitPositions(model.Name, options.StrictPositions, say);
        var vocabulary = new ByteVocabulary(tokenizer, EndTokens.Read(options.Model, tokenizer, storage), model.Model.Config.VocabularySize);
        // The file begins with the shapes of all tensors, which are only known at the end. Until then, the rows wait in a temporary file.
        string rowsPath = options.Output + ".rows";
        Staging.CleanLeft(storage, rowsPath);
        Staging.CleanLeft(storage, options.Output);
        using var waiting = new StagedFile(storage, rowsPath);
        var tensors = new List<TensorSource>();
        long scored = 0, rejected = 0;
        using NextByteModel bytes = await device.RunAsync(() => new NextByteModel(model.Model, vocabulary, model.Expansion is null ? null : ids => model.Embed(ids)), cancellationToken);
        foreach (IReadOnlyList<Line> lines in Some(Read(options)))
        {
            List<ByteText>?[] texts = [.. lines.Select(line => line.Text is null ? null : Texts(line.Text, vocabulary, model))];
            var rows = new Queue<float[]>(await RowsAsync(bytes, [.. texts.OfType<List<ByteText>>().SelectMany(windows => windows)], options, cancellationToken));
            for (int i = 0; i < lines.Count; i++)
            {
                if (texts[i] is not { } windows)
                {
                    rejected++;
                    continue;
                }
                float[] own = windows.Count == 1 ? rows.Dequeue() : [.. windows.SelectMany(_ => rows.Dequeue())];
                // Without a bos token, rows are NaN until the first token ends. The last row comes after it, so if that is NaN, the model is not sound.
                if (float.IsNaN(own[^1]) && HasCondition(windows[^1]))
                    throw await device.RunAsync(() => NotFinite.Refusal(model.Name, model.Model, $"its next bytes of line {lines[i].Row + 1}"), cancellationToken);
                tensors.Add(Keep(waiting.Stream, lines[i].Row, own));
                scored++;
            }
        }
        using var output = new StagedFile(storage, options.Output);
        SafetensorsWriter.Write(output.Stream, tensors, new Dictionary<string, string>
        {
            ["bytes"] = options.View == BytesView.Exact ? "exact" : "trunk",
            ["model"] = options.Model,
            ["tokenizer"] = tokenizer.Fingerprint,
        });
        output.Commit();
        return new ScoreFileCounts(scored, rejected);
    }

    private IEnumerable<Line> Read(NextByteFileOptions options)
    {
        var reading = new ReadJsonlOptions { Files = [options.Input], Field = options.Field };
        using Stream stream = storage.OpenRead(options.Input);
        using Stream text = LineCompression.Open(options.Input, stream);
        var lines = new LineReader(text, options.Input, reading.MaxLineBytes);
        for (long row = 0; lines.Next(); row++)
        {
            RowText read = lines.IsTooLong ? RowText.Rejected(TextRejects.LineTooLong) : JsonLine.Read(lines.Line.Span, reading);
            // An empty text counts as well: its only row says how texts begin.
            string? found = read.Reject is null ? read.Text : read.Reject == TextRejects.Empty ? "" : null;
            yield return new Line(row, found is null ? null : WellFormedText.Normalize(found));
        }
    }

    /// <summary>
    /// The text in one piece, or in windows where it has more tokens than the model has positions. Null where the tokens do not spell the text.
    /// </summary>
    private static List<ByteText>? Texts(string text, ByteVocabulary vocabulary, LanguageModel model)
    {
        int positions = model.Model.Config.MaxPositions;
        TextEncoder encoder = vocabulary.Tokenizer.CreateEncoder();
        int? mark = vocabulary.Tokenizer.BosId;
        try
        {
            ByteText whole = ByteText.Of(text, encoder, vocabulary, mark);
            model.CheckIds(whole.Ids);
            if (whole.Ids.Length < positions)
                return [whole];
            // Every token has at least one byte of its own, so that these windows fit, whatever the tokenizer makes of them. Two positions are left for the
            // bos token and for an inserted space.
            List<Window> windows = WindowCutter.Cut(text, Math.Max(WindowCutter.LeastWindowBytes, positions - 2));
            return [.. windows.Select((w, i) => ByteText.Of(text.Substring(w.Start, w.Length), encoder, vocabulary, mark, hasEnd: i == windows.Count - 1))];
        }
        catch (ByteViewException)
        {
            return null;
        }
    }

    // Groups the lines: as many as may be in memory together.
    private static IEnumerable<IReadOnlyList<Line>> Some(IEnumerable<Line> lines)
    {
        var some = new List<Line>();
        int characters = 0;
        foreach (Line line in lines)
        {
            some.Add(line);
            characters += line.Text?.Length ?? 0;
            if (some.Count < MostLines && characters < MostCharacters)
                continue;
            yield return some;
            (some, characters) = ([], 0);
        }
        if (some.Count > 0)
            yield return some;
    }

    private static bool HasCondition(ByteText text) => text.Mark is not null || text.Ids.Length > 0;

    private async Task<float[][]> RowsAsync(NextByteModel bytes, ByteText[] texts, NextByteFileOptions options, CancellationToken cancellationToken)
    {
        // Only the last window has a row for what comes after it. After any other window comes the first row of the next one.
        float[][] rows = [.. texts.Select(text => new float[(text.Rows.Length - (text.HasEnd ? 0 : 1)) * ByteVocabulary.Symbols])];
        int[] asked = [.. Enumerable.Range(0, texts.Length).Where(i => HasCondition(texts[i]))];
        foreach (int i in Enumerable.Range(0, texts.Length).Except(asked))
            rows[i].AsSpan().Fill(float.NaN);
        foreach (int[] batch in LengthBatches.Plan(Array.ConvertAll(asked, i => texts[i].Ids.Length + 1), options.BatchTokens))
        {
            cancellationToken.ThrowIfCancellationRequested();
            int[] places = Array.ConvertAll(batch, b => asked[b]);
            await device.RunAsync(() => Fill(bytes, Array.ConvertAll(places, i => texts[i]), options.View, Array.ConvertAll(places, i => rows[i])), cancellationToken);
        }
        return rows;
    }

    private static void Fill(NextByteModel bytes, ByteText[] texts, BytesView view, float[][] rows)
    {
        IReadOnlyList<ScoredBytes> scored = bytes.Score(texts, view);
        Span<double> row = stackalloc double[ByteVocabulary.Symbols];
        for (int t = 0; t < texts.Length; t++)
        {
            for (int at = 0, k = 0; at < rows[t].Length; at += row.Length, k++)
            {
                scored[t].Row(k, row);
                for (int x = 0; x < row.Length; x++)
                    rows[t][at + x] = (float)Math.Log(row[x]);
            }
            scored[t].Release();
        }
    }

    private static TensorSource Keep(Stream stream, long row, float[] rows)
    {
        long at = stream.Position;
        stream.Write(MemoryMarshal.AsBytes(rows.AsSpan()));
        long[] shape = [rows.Length / ByteVocabulary.Symbols, ByteVocabulary.Symbols];
        return new TensorSource(string.Create(CultureInfo.InvariantCulture, $"{row}.logp"), ScalarType.Float32, shape, () =>
        {
            var values = new float[shape[0] * shape[1]];
            stream.Position = at;
            stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            return tensor(values, shape);
        });
    }

    /// <summary>Frees the model on its device's thread.</summary>
    private sealed class LanguageModelHolder(LanguageModel model, TorchDevice device) : IDisposable
    {
        public LanguageModel Model => model;

        public void Dispose() => device.RunAsync(model.Dispose, CancellationToken.None).GetAwaiter().GetResult();
    }
}
