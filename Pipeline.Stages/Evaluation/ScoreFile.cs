using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>The options of <c>alm score</c>.</summary>
/// <param name="Model">The full path of a Hugging Face folder.</param>
/// <param name="Tokenizer">The full path of a tokenizer, or <c>bytes</c>. Null for the folder's own.</param>
/// <param name="Input">A JSON Lines file in which each line has a text.</param>
/// <param name="Output">The full path of the JSON Lines file to write. It has a line for each line of the input.</param>
/// <param name="Field">The field that holds the text.</param>
/// <param name="BatchTokens">How many tokens a batch may have, padding included.</param>
/// <param name="Edit">The full path of an edit of the model's activations. Null for the edit that the folder itself has, if any.</param>
/// <param name="StrictPositions">Whether to refuse documents of more tokens than the model was made for.</param>
public sealed record ScoreFileOptions(string Model, string? Tokenizer, string Input, string Output, string Field = "text", int BatchTokens = 8192, string? Edit = null, bool StrictPositions = false);

/// <summary>How many lines were scored, and how many could not be.</summary>
public readonly record struct ScoreFileCounts(long Scored, long Rejected);

/// <summary>
/// Scores whole documents, without cutting them into windows. It writes for each token its id, log p(token | tokens before) in nats, which is null for
/// the first token, and the log boundary mass after it; and for each document its bits per byte. For a line that cannot be scored, it writes why.
/// </summary>
/// <param name="storage">Reads and writes all files.</param>
/// <param name="device">Where the model computes.</param>
/// <param name="say">Gets remarks about the model for the user; may be null.</param>
public sealed class ScoreFile(IStorage storage, TorchDevice device, Action<string>? say = null)
{
    private const int DocumentsAtATime = 256;

    private readonly record struct Line(long Row, WindowTokens? Tokens, long Bytes, string? Error);

    /// <summary>Writes the file, and says how many lines were scored. Nothing is left behind if it fails.</summary>
    /// <exception cref="Contracts.Errors.InputException">The model, the tokenizer or the input cannot be read, or a number of the model is not finite.</exception>
    public async Task<ScoreFileCounts> RunAsync(ScoreFileOptions options, CancellationToken cancellationToken)
    {
        LineFileForm.Require(storage, options.Input, Reading(options));
        TextTokenizer tokenizer = TextTokenizer.Load(options.Tokenizer ?? options.Model, storage);
        Staging.CleanLeft(storage, options.Output);
        using var output = new StagedFile(storage, options.Output);
        LanguageModel model = await device.RunAsync(() => LanguageModel.Load(options.Model, tokenizer, storage, device, edit: options.Edit), cancellationToken);
        long scored = 0, rejected = 0;
        try
        {
            foreach (string remark in model.Remarks)
                say?.Invoke(remark);
            model.Model.LimitPositions(model.Name, options.StrictPositions, say);
            foreach (Line[] lines in Read(options, tokenizer).Chunk(DocumentsAtATime))
            {
                cancellationToken.ThrowIfCancellationRequested();
                foreach (Line line in lines.Where(l => l.Tokens is not null))
                    model.CheckIds(line.Tokens!.Ids);
                IReadOnlyList<TokenScores> scores = await ScoreAsync(model, lines, options.BatchTokens, cancellationToken);
                for (int i = 0; i < lines.Length; i++)
                    Write(output.Stream, lines[i], scores[i]);
                scored += lines.Count(l => l.Error is null);
                rejected += lines.Count(l => l.Error is not null);
            }
        }
        finally
        {
            await device.RunAsync(model.Dispose, CancellationToken.None);
        }
        output.Commit();
        return new ScoreFileCounts(scored, rejected);
    }

    private IEnumerable<Line> Read(ScoreFileOptions options, TextTokenizer tokenizer)
    {
        ReadJsonlOptions reading = Reading(options);
        using Stream stream = storage.OpenRead(options.Input);
        using Stream text = LineCompression.Open(options.Input, stream);
        var lines = new LineReader(text, options.Input, reading.MaxLineBytes);
        TextEncoder encoder = tokenizer.CreateEncoder();
        for (long row = 0; lines.Next(); row++)
        {
            RowText read = LineFileForm.Read(lines, row, reading);
            yield return read.Reject is null ? Encode(row, WellFormedText.Normalize(read.Text), encoder, tokenizer) : new Line(row, null, 0, read.Reject + read.Detail);
        }
    }

    private static ReadJsonlOptions Reading(ScoreFileOptions options) => new() { Files = [options.Input], Field = options.Field };

    private static Line Encode(long row, string text, TextEncoder encoder, TextTokenizer tokenizer)
    {
        try
        {
            return new Line(row, WindowTokens.Encode(encoder, tokenizer, text), System.Text.Encoding.UTF8.GetByteCount(text), null);
        }
        catch (ByteViewException e)
        {
            return new Line(row, null, 0, e.Message);
        }
    }

    private async Task<IReadOnlyList<TokenScores>> ScoreAsync(LanguageModel model, Line[] lines, int batchTokens, CancellationToken cancellationToken)
    {
        var results = new TokenScores[lines.Length];
        int[] some = [.. Enumerable.Range(0, lines.Length).Where(i => lines[i].Tokens is not null)];
        if (some.Length == 0)
            return results;
        foreach (int[] batch in LengthBatches.Plan([.. some.Select(i => lines[i].Tokens!.Ids.Length)], batchTokens))
        {
            int[][] rows = [.. batch.Select(i => lines[some[i]].Tokens!.Ids)];
            long[] numbers = [.. batch.Select(i => lines[some[i]].Row)];
            TokenScores[] scores = await device.RunAsync(() => Score(model, rows, numbers), cancellationToken);
            for (int i = 0; i < batch.Length; i++)
                results[some[batch[i]]] = scores[i];
        }
        return results;
    }

    private static TokenScores[] Score(LanguageModel model, int[][] rows, long[] numbers)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        BatchTensors batch = BatchTensors.Of(rows, model.Device);
        Tensor hidden_RH = model.Hidden(batch).flatten(0, 1).index_select(0, batch.Real_R);
        HeadScores scores = VocabularyHead.Score(hidden_RH, model.Model.HeadWeight, batch.Targets_R, new HeadOptions(model.Model.Config.FinalSoftcap, model.ValidRows, model.BoundaryMask_V));
        float[] likelihoods = [.. scores.LogLikelihood.cpu().data<float>()], boundaries = [.. scores.LogBoundary!.cpu().data<float>()];
        var results = new TokenScores[rows.Length];
        for (int row = 0, at = 0; row < rows.Length; at += rows[row++].Length)
        {
            results[row] = new TokenScores(likelihoods[at..(at + rows[row].Length - 1)], boundaries[at..(at + rows[row].Length)]);
            // No boundary at all is possible, and its logarithm is -∞. No token's log-likelihood is infinite, because the softmax is over finite logits.
            if (NotFinite.FirstIn(results[row].LogLikelihoods) >= 0 || Array.Exists(results[row].LogBoundaryMasses, mass => !(mass <= float.MaxValue)))
                throw NotFinite.Refusal(model.Name, model.Model, $"its likelihoods of line {numbers[row] + 1}");
        }
        return results;
    }

    private static void Write(Stream stream, Line line, TokenScores scores)
    {
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("row", line.Row);
            if (line.Tokens is { } tokens)
            {
                WriteNumbers(json, "ids", tokens.Ids, static (w, id) => w.WriteNumberValue(id));
                json.WriteStartArray("logLikelihoods");
                json.WriteNullValue();
                foreach (float value in scores.LogLikelihoods)
                    WriteNumber(json, value);
                json.WriteEndArray();
                WriteNumbers(json, "logBoundaryMasses", scores.LogBoundaryMasses, WriteNumber);
                json.WriteNumber("bytes", line.Bytes);
                json.WriteNumber(
                    "bitsPerByte", BitsPerByte.Of(BitsPerByte.Bits(scores.LogLikelihoods.Sum(v => (double)v), tokens.UnscoredBytes), line.Bytes));
            }
            else
            {
                json.WriteString("error", line.Error);
            }
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    }

    private static void WriteNumbers<T>(Utf8JsonWriter json, string name, T[] values, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartArray(name);
        foreach (T value in values)
            write(json, value);
        json.WriteEndArray();
    }

    // JSON has no infinity. What is impossible gets the most negative number of float32.
    private static void WriteNumber(Utf8JsonWriter json, float value) => json.WriteNumberValue(Math.Max(value, float.MinValue));

    private readonly record struct TokenScores(float[] LogLikelihoods, float[] LogBoundaryMasses);
}
