using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Text;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Writing;

/// <summary>The options of <c>alm generate</c> for a file of prompts.</summary>
/// <param name="Input">A JSON Lines file of prompts.</param>
/// <param name="Output">The JSON Lines file to write. It has a line for each line of the input.</param>
/// <param name="Field">The field that holds the prompt: a text or, with <paramref name="IsChat"/>, also a list of messages.</param>
/// <param name="IsChat">Whether prompts are rendered by the chat template, up to where the assistant's answer begins.</param>
/// <param name="Batch">How many prompts are continued together.</param>
/// <param name="Generation">How tokens are chosen. The random draws of a line depend on its number and not on its batch.</param>
public sealed record GenerateFileOptions(string Input, string Output, string Field, bool IsChat, int Batch, GenerationOptions Generation);

/// <summary>
/// Continues a file of prompts. For each line it writes the <c>row</c>, and either the new <c>text</c>, the number of new <c>tokens</c> and whether the
/// model <c>ended</c> the text itself, or an <c>error</c>.
/// </summary>
public sealed class GenerateFile(IStorage storage, TorchDevice device)
{
    // So many batches are read at a time, and their prompts sorted, so that prompts of similar length go together.
    private const int BatchesAtATime = 8;

    private sealed record Line(long Row, Continuation? Prompt, string? Error);

    private readonly record struct Answer(string Text, int Tokens, bool IsEnded);

    /// <summary>Continues all prompts and writes the file. Nothing is left behind if it fails.</summary>
    /// <param name="folder">The model's folder, which has its chat template and names its end tokens.</param>
    /// <param name="model">The model, which stays the caller's.</param>
    /// <param name="options">What to continue, and how.</param>
    /// <param name="cancellationToken">Stops the work between batches.</param>
    /// <returns>How many prompts were continued, and how many lines could not be used.</returns>
    /// <exception cref="InputException">The file is not JSON Lines with prompts.</exception>
    public async Task<(long Written, long Rejected)> RunAsync(string folder, LanguageModel model, GenerateFileOptions options, CancellationToken cancellationToken)
    {
        HashSet<int> ends = EndTokens.Read(folder, model.Tokenizer, storage);
        using var output = new StagedFile(storage, options.Output);
        long written = 0, rejected = 0;
        foreach (Line[] lines in Read(folder, model, options).Chunk(options.Batch * BatchesAtATime))
        {
            var answers = new Dictionary<long, Answer>();
            foreach (Line[] batch in lines.Where(l => l.Prompt is not null).OrderBy(l => l.Prompt!.Prompt.Count).Chunk(options.Batch))
            {
                cancellationToken.ThrowIfCancellationRequested();
                Answer[] some = await device.RunAsync(() => Write(model, ends, batch, options.Generation), cancellationToken).ConfigureAwait(false);
                for (int i = 0; i < batch.Length; i++) answers[batch[i].Row] = some[i];
            }
            foreach (Line line in lines) Write(output.Stream, line, answers);
            written += answers.Count;
            rejected += lines.Length - answers.Count;
        }
        output.Commit();
        return (written, rejected);
    }

    private IEnumerable<Line> Read(string folder, LanguageModel model, GenerateFileOptions options)
    {
        // The field may hold the text of one turn, or a list of messages. If any line of the file has messages, all are read as messages.
        var text = new ReadJsonlOptions { Files = [options.Input], Field = options.Field };
        ReadJsonlOptions reading = options.IsChat && HasMessages(text) ? text with { Messages = options.Field } : text;
        LineFileForm.Require(storage, options.Input, reading);
        var side = new ChatSide(model.Tokenizer, folder, options.IsChat ? ChatTemplate.Find(folder, storage) : null);
        var encoder = new PromptEncoder(side);
        using Stream stream = storage.OpenRead(options.Input);
        using Stream plain = LineCompression.Open(options.Input, stream);
        var lines = new LineReader(plain, options.Input, reading.MaxLineBytes);
        for (long row = 0; lines.Next(); row++)
        {
            RowText read = LineFileForm.Read(lines, row, reading);
            yield return read.Reject is null ? Encode(row, read, options.IsChat, encoder, model) : new Line(row, null, read.Reject + read.Detail);
        }
    }

    private bool HasMessages(ReadJsonlOptions text)
    {
        try
        {
            LineFileForm.Require(storage, text.Files[0], text with { Messages = text.Field });
            return true;
        }
        catch (InputException)
        {
            return false;
        }
    }

    private static Line Encode(long row, RowText read, bool isChat, PromptEncoder encoder, LanguageModel model)
    {
        var prompt = new TextDocument(new DocumentId(0, row, 0), read.Text, isChat ? read.Messages ?? [new ChatMessage("user", read.Text)] : null, read.Fields);
        try
        {
            var continuation = new Continuation(model.Tokenizer, encoder.Render(prompt));
            if (continuation.Prompt.Count == 0) return new Line(row, null, "the prompt is empty, and the tokenizer has no bos token to start from");
            model.CheckIds([.. continuation.Prompt]);
            return new Line(row, continuation, null);
        }
        catch (RejectedException e)
        {
            return new Line(row, null, $"{e.Reason}: {e.Message}");
        }
    }

    private static Answer[] Write(LanguageModel model, HashSet<int> ends, Line[] lines, GenerationOptions options)
    {
        GeneratedText[] texts = [.. lines.Select(l => new GeneratedText(l.Prompt!.Decode, ends, options.StopStrings))];
        var written = Array.ConvertAll(lines, _ => new StringBuilder());
        var answers = new Answer[lines.Length];
        foreach (GeneratedToken token in model.Generator(options).Run(
            [.. lines.Select(l => l.Prompt!.Prompt)], ends, model.ValidRows, i => texts[i].IsStopped, streams: [.. lines.Select(l => (int)(l.Row & int.MaxValue))]))
        {
            written[token.Prompt].Append(texts[token.Prompt].Add(token.Id, token.Ends));
            answers[token.Prompt] = new Answer("", answers[token.Prompt].Tokens + 1, ends.Contains(token.Id) || texts[token.Prompt].IsStopped);
        }
        return [.. answers.Select((a, i) => a with { Text = written[i].ToString() })];
    }

    private static void Write(Stream stream, Line line, Dictionary<long, Answer> answers)
    {
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("row", line.Row);
            if (answers.TryGetValue(line.Row, out Answer answer))
            {
                json.WriteString("text", answer.Text);
                json.WriteNumber("tokens", answer.Tokens);
                json.WriteBoolean("ended", answer.IsEnded);
            }
            else
            {
                json.WriteString("error", line.Error);
            }
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    }
}
