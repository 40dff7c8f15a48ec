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

/// <summary>What <c>alm score --next-bytes</c> is asked for.</summary>
/// <param name="Model">Full path of a Hugging Face folder.</param>
/// <param name="Tokenizer">Full path, or <c>bytes</c>; the folder's own when null.</param>
/// <param name="Input">JSON Lines with a field of text.</param>
/// <param name="Output">The safetensors file; full path.</param>
/// <param name="View">From which contexts.</param>
/// <param name="Field">The field of text.</param>
/// <param name="BatchTokens">Tokens of a batch, padding included.</param>
/// <param name="Edit">Full path of an edit of the model's activations; null: the folder's own, where it has one.</param>
/// <param name="StrictPositions">Refuse documents of more tokens than the model was made for.</param>
public sealed record NextByteFileOptions(
    string Model, string? Tokenizer, string Input, string Output, BytesView View, string Field = "text", int BatchTokens = 8192, string? Edit = null, bool StrictPositions = false);

/// <summary>
/// Writes a model's distributions over the next byte: for line I of the input the tensor <c>I.logp</c> [N + 1, 257] of float32, natural
/// logarithms of the next byte after the first 0 … N bytes of the text (NFC), and in the last column of its end. Rows without a condition are
/// NaN; a space that the tokenizer puts in front is conditioned on and has no row; lines that cannot be used are absent.
/// </summary>
/// <param name="storage">All files go through it.</param>
/// <param name="device">Where the model computes.</param>
/// <param name="say">Gets what a person should know of the model; null: nobody does.</param>
public sealed class NextByteFile(IStorage storage, TorchDevice device, Action<string>? say = null)
{
    // A character takes a kilobyte of rows.
    private const int MostLines = 64, MostCharacters = 1 << 15;

    private readonly record struct Line(long Row, string? Text);

    /// <exception cref="InputException">Model, tokenizer or input cannot be read, or the tokenizer has no byte view.</exception>
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
        // Shapes stand at the head of the file and are known at the end: rows wait in a file of their own that nobody else sees.
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
                // Rows without a condition are NaN; that is only a first row without a bos token, never the last one.
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
            // An empty text is one too: its one row says how texts begin.
            string? found = read.Reject is null ? read.Text : read.Reject == TextRejects.Empty ? "" : null;
            yield return new Line(row, found is null ? null : WellFormedText.Normalize(found));
        }
    }

    /// <summary>The text as one, or in windows where it has more tokens than the model has positions; null where tokens do not spell it.</summary>
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
            // Every token has at least one byte of its own, so these fit whatever the tokenizer makes of them; one position is for the bos token, one for an inserted space.
            List<Window> windows = WindowCutter.Cut(text, Math.Max(WindowCutter.LeastWindowBytes, positions - 2));
            return [.. windows.Select((w, i) => ByteText.Of(text.Substring(w.Start, w.Length), encoder, vocabulary, mark, hasEnd: i == windows.Count - 1))];
        }
        catch (ByteViewException)
        {
            return null;
        }
    }

    // As many lines as can be worked on together.
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
        // The row after a window is the next one's first: what comes there is predicted by the next window.
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
