using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Choices;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Tasks;

/// <summary>
/// Lets a loaded model or ensemble answer questions: over tokens where all members share a tokenizer, and byte by byte where they do not. Lengths and
/// limits are counted in bytes of text, so that the conditions are the same for every tokenizer.
/// </summary>
internal sealed class TaskAnswerer : IDisposable
{
    private readonly TorchDevice _device;
    private readonly JudgeTasksOptions _options;
    private readonly IReadOnlyList<ByteMember> _members;
    private readonly Averaging _averaging;
    private readonly Action _stopIfAsked;
    private readonly PromptEncoder _encoder;
    private readonly ByteSide? _side;

    /// <summary>Must be called on the device's thread, as <see cref="Dispose"/> must.</summary>
    /// <param name="device">Where the members compute.</param>
    /// <param name="options">The sizes of batches and windows.</param>
    /// <param name="members">The loaded members. They become this object's, which disposes of their models.</param>
    /// <param name="model">How the members are averaged.</param>
    /// <param name="encoder">An encoder of the first member's tokenizer.</param>
    /// <param name="stopIfAsked">Called after each batch; throws if a stop was asked for.</param>
    public TaskAnswerer(TorchDevice device, JudgeTasksOptions options, IReadOnlyList<ByteMember> members, AnsweringModel model, PromptEncoder encoder, Action stopIfAsked)
    {
        (_device, _options, _members, _averaging, _encoder, _stopIfAsked) = (device, options, members, model.Averaging, encoder, stopIfAsked);
        _side = model.IsUnlike ? new ByteSide(members, model.Averaging) : null;
    }

    private LanguageModel First => _members[0].Model;

    private LanguageModel[] Models => [.. _members.Select(m => m.Model)];

    /// <summary>The answers to some questions of one task, in their order.</summary>
    /// <param name="questions">At least one question, all of the same task.</param>
    /// <param name="cancellationToken">Stops the work between batches.</param>
    public Task<TaskAnswer[]> AnswerAsync(IReadOnlyList<TaskQuestion> questions, CancellationToken cancellationToken) => questions[0].Task.Kind switch
    {
        TaskKind.Answer or TaskKind.Instructions => WriteAsync(questions, cancellationToken),
        TaskKind.Perplexity when questions[0].Continuation is null => TextsAsync(questions, cancellationToken),
        _ => ContinuationsAsync(questions, cancellationToken),
    };

    public void Dispose()
    {
        _side?.Dispose();
        foreach (ByteMember member in _members)
            member.Model.Dispose();
    }

    private async Task<TaskAnswer[]> ContinuationsAsync(IReadOnlyList<TaskQuestion> questions, CancellationToken cancellationToken)
    {
        (TaskQuestion Question, string Choice)[] rows = [.. questions.SelectMany(q => q.Continuations.Select(c => (q, c)))];
        double[] sums = _side is null
            ? await new ChoiceScorer(_device, Models, _averaging, _options.BatchTokens)
                .ScoreAsync([.. rows.Select(r => _encoder.Encode(r.Question.Id, r.Question.Prompt, r.Choice))], _ => _stopIfAsked(), cancellationToken).ConfigureAwait(false)
            : await BytesAsync(_side, [.. rows.Select(r => new WindowText(r.Question.Prompt, r.Choice))], cancellationToken).ConfigureAwait(false);
        return Grouped(sums, [.. questions.Select(q => q.Continuations.Count)]);
    }

    private async Task<TaskAnswer[]> TextsAsync(IReadOnlyList<TaskQuestion> questions, CancellationToken cancellationToken)
    {
        List<WindowText>[] cut = [.. questions.Select(q => WindowText.Cut(q.Prompt, _options.WindowBytes, _options.Stride ?? _options.WindowBytes))];
        WindowText[] windows = [.. cut.SelectMany(w => w)];
        double[] sums;
        if (_side is null)
        {
            TextEncoder encoder = First.Tokenizer.CreateEncoder();
            WindowTokens[] tokens = [.. windows.Select(w => WindowTokens.Encode(encoder, First.Tokenizer, w.Judged, before: w.Before))];
            sums = await new WindowScorer(_device, _options.BatchTokens).ScoreAsync(Models, _averaging, tokens, afterBatch: _ => _stopIfAsked(), cancellationToken: cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < sums.Length; i++)
                sums[i] += Unscored(tokens[i].UnscoredBytes);
        }
        else
        {
            sums = await BytesAsync(_side, windows, cancellationToken).ConfigureAwait(false);
        }
        return [.. Grouped(sums, [.. cut.Select(w => w.Count)]).Select(windows => new TaskAnswer([Finite(windows.Scores.Sum())]))];
    }

    // What a model rules out has a log-likelihood of -∞, for which JSON has no number.
    private static double Finite(double score) => Math.Max(score, double.MinValue);

    private static TaskAnswer[] Grouped(double[] sums, int[] counts)
    {
        var answers = new TaskAnswer[counts.Length];
        int at = 0;
        for (int i = 0; i < counts.Length; at += counts[i++])
            answers[i] = new TaskAnswer([.. sums[at..(at + counts[i])].Select(Finite)]);
        return answers;
    }

    // Bytes for which the model has no distribution cost eight bits each, as in evaluate.
    private static double Unscored(long bytes) => -BitsPerByte.Bits(0, bytes) * Math.Log(2);

    /// <summary>Σ log p in nats over the judged bytes of each text, by exact next bytes.</summary>
    private async Task<double[]> BytesAsync(ByteSide side, IReadOnlyList<WindowText> texts, CancellationToken cancellationToken)
    {
        WindowText[] normal = [.. texts.Select(Normal)];
        var sums = new double[normal.Length];
        foreach (int[] batch in LengthBatches.Plan([.. normal.Select(t => 1 + Encoding.UTF8.GetByteCount(t.Whole))], _options.BatchTokens))
        {
            IReadOnlyList<double[]> rows = await RunAsync(
                () => side.Score([.. batch.Select(i => normal[i].Whole)]),
                $"batch of {batch.Length} texts of up to {batch.Max(i => Encoding.UTF8.GetByteCount(normal[i].Whole))} bytes", $"lower batchTokens (now {_options.BatchTokens})", cancellationToken).ConfigureAwait(false);
            for (int b = 0; b < batch.Length; b++)
            {
                byte[] bytes = Encoding.UTF8.GetBytes(normal[batch[b]].Whole);
                for (int k = normal[batch[b]].BytesBefore; k < bytes.Length; k++)
                {
                    double p = rows[b][(k * ByteVocabulary.Symbols) + bytes[k]];
                    sums[batch[b]] += double.IsNaN(p) ? Unscored(1) : Math.Log(p);
                }
            }
            _stopIfAsked();
        }
        return sums;
    }

    // Where normalization combines characters across the seam between prompt and choice, the combined character belongs to the choice.
    private static WindowText Normal(WindowText text)
    {
        string whole = WellFormedText.Normalize(text.Whole), before = WellFormedText.Normalize(text.Before);
        int common = 0;
        while (common < before.Length && common < whole.Length && before[common] == whole[common])
            common++;
        return new WindowText(whole[..common], whole[common..]);
    }

    private async Task<TaskAnswer[]> WriteAsync(IReadOnlyList<TaskQuestion> questions, CancellationToken cancellationToken)
    {
        TaskFile task = questions[0].Task;
        // Every token but the special ones has at least one byte, so that the limit of bytes is reached first.
        var generation = new GenerationOptions { MaxNewTokens = task.MaxBytes, StopStrings = task.Stop };
        var answers = new TaskAnswer[questions.Count];
        if (_side is not null)
        {
            for (int i = 0; i < questions.Count; i++)
            {
                TaskQuestion question = questions[i];
                string text = await RunAsync(
                    () => string.Concat(EnsembleGenerator.Run(_members, _averaging, question.Prompt, generation)), $"an answer to {Encoding.UTF8.GetByteCount(question.Prompt)} bytes", "shorten the prompts", cancellationToken).ConfigureAwait(false);
                answers[i] = new TaskAnswer([], Cut(text, task.MaxBytes));
                _stopIfAsked();
            }
            return answers;
        }
        Continuation[] prompts = [.. questions.Select(q => new Continuation(First.Tokenizer, q.Prompt))];
        foreach (Continuation prompt in prompts)
            First.CheckIds([.. prompt.Prompt]);
        // Prompts of similar length go together, because they are padded to the longest.
        foreach (int[] batch in Enumerable.Range(0, prompts.Length).OrderBy(i => prompts[i].Prompt.Count).Chunk(_options.Batch))
        {
            string[] texts = await RunAsync(
                () => Write([.. batch.Select(i => prompts[i])], generation),
                $"answers to {batch.Length} prompts of up to {batch.Max(i => prompts[i].Prompt.Count)} tokens", $"lower batch (now {_options.Batch})", cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < batch.Length; i++)
                answers[batch[i]] = new TaskAnswer([], Cut(texts[i], task.MaxBytes));
            _stopIfAsked();
        }
        return answers;
    }

    private string[] Write(Continuation[] prompts, GenerationOptions options)
    {
        HashSet<int> ends = [.. _members.SelectMany(m => m.Ends)];
        GeneratedText[] texts = [.. prompts.Select(p => new GeneratedText(p.Decode, ends, options.StopStrings))];
        StringBuilder[] written = [.. prompts.Select(_ => new StringBuilder())];
        var bytes = new int[prompts.Length];
        var generator = new TokenGenerator([.. _members.Select(m => m.Model.Decoding)], options, _members.Count == 1 ? null : logits => EnsembleHead.Combine(logits, _averaging));
        foreach (GeneratedToken token in generator.Run(
            [.. prompts.Select(p => p.Prompt)], ends, _members.Min(m => m.Model.ValidRows), i => texts[i].IsStopped || bytes[i] >= options.MaxNewTokens))
        {
            string piece = texts[token.Prompt].Add(token.Id, token.Ends);
            written[token.Prompt].Append(piece);
            bytes[token.Prompt] += Encoding.UTF8.GetByteCount(piece);
        }
        return [.. written.Select(w => w.ToString())];
    }

    private async Task<T> RunAsync<T>(Func<T> work, string what, string lower, CancellationToken cancellationToken)
    {
        try
        {
            return await _device.RunAsync(work, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (MemoryExhaustion.Is(e))
        {
            throw MemoryExhaustion.At($"tasks, {what}", e, lower);
        }
    }

    /// <summary>The beginning of a text: as many whole characters as fit into a number of bytes.</summary>
    private static string Cut(string text, int bytes)
    {
        int used = 0, at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            used += rune.Utf8SequenceLength;
            if (used > bytes)
                return text[..at];
            at += rune.Utf16SequenceLength;
        }
        return text;
    }
}
