using System.Globalization;
using System.Runtime.CompilerServices;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Language;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Teacher;

namespace Pipeline.Stages.Writing;

/// <summary>
/// Lets the teacher continue prompts: a text is continued, and a conversation gets the assistant's answer. The stage comes after the one that reads the
/// prompts and before <c>tokenize</c>, so that answers are scored as soon as they are written. The random draws for a prompt depend only on the seed and
/// on the prompt's id. An interrupted part is written again from its beginning, so it comes out the same.
/// </summary>
internal sealed class GenerateTextStream : IStream<TextDocument, TextDocument>, IFingerprinted, IPlanned
{
    private readonly GenerateTextOptions _options;
    private readonly ITeacher _teacher;
    private readonly ChatSide _side;
    private readonly int _seed;
    private readonly IStageMeter _meter;
    private readonly IRejects _rejects;

    /// <summary>The teacher must be able to write (<see cref="IWritingTeacher"/>).</summary>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="teacher">The teacher that writes.</param>
    /// <param name="side">The teacher's tokenizer and chat template.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="meter">Gets counts of tokens and answers.</param>
    /// <param name="rejects">Gets prompts that cannot be used, and answers that were cut if these are rejected.</param>
    public GenerateTextStream(GenerateTextOptions options, ITeacher teacher, ChatSide side, int seed, IStageMeter meter, IRejects rejects)
    {
        (_options, _teacher, _side, _seed, _meter, _rejects) = (options, teacher, side, seed, meter, rejects);
        Fingerprint = new Dictionary<string, string>
        {
            [FingerprintPart.Writing] = string.Create(
                CultureInfo.InvariantCulture,
                $"{options.MaxNewTokens} tokens, temperature {options.Temperature}, top-k {options.TopK}, top-p {options.TopP}, cut {options.CutAnswers}, batch {options.Batch}, seed {seed}"),
        };
    }

    public static StageRegistration Registration { get; } = StageRegistration.Stream<GenerateTextOptions, TextDocument, TextDocument, GenerateTextStream>(
        "generate-text",
        "Lets the teacher continue prompts: prompts in, prompts with the teacher's answers out.",
        static (o, c) => new GenerateTextStream(o, c.Service<TeacherStore>().Get(c), ChatSides.Teacher(RunSite.Of(c)), c.Definition.Seed, c.Meter, c.Rejects)) with
    { Needs = StageNeeds.Teacher };

    public IReadOnlyDictionary<string, string> Fingerprint { get; }

    public StagePlan Plan(long? records) => new(
        records, records is { } prompts ? [new PlanLine("new tokens", (double)prompts * _options.MaxNewTokens, PlanUnit.Count, "at most: every answer at its limit")] : []);

    public async IAsyncEnumerable<TextDocument> RunAsync(IAsyncEnumerable<TextDocument> input, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IWritingTeacher writer = _teacher as IWritingTeacher
            ?? throw new InvalidOperationException("the teacher says that it generates text, but does not");
        await writer.ConfirmAsync(cancellationToken).ConfigureAwait(false);
        var encoder = new PromptEncoder(_side);
        var batch = new List<(TextDocument Prompt, Continuation Continuation)>(_options.Batch);
        await foreach (TextDocument prompt in input.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            if (Encode(encoder, prompt) is not { } continuation) continue;
            batch.Add((prompt, continuation));
            if (batch.Count < _options.Batch) continue;
            foreach (TextDocument written in await WriteAsync(writer, batch, cancellationToken).ConfigureAwait(false)) yield return written;
            batch.Clear();
        }
        foreach (TextDocument written in await WriteAsync(writer, batch, cancellationToken).ConfigureAwait(false)) yield return written;
        await writer.ConfirmAsync(cancellationToken).ConfigureAwait(false);
    }

    private Continuation? Encode(PromptEncoder encoder, TextDocument prompt)
    {
        try
        {
            var continuation = new Continuation(_side.Tokenizer, encoder.Render(prompt));
            if (continuation.Prompt.Count > 0) return continuation;
            _rejects.Reject(prompt.Id, "an empty prompt", $"{prompt.Id}: the tokenizer has no bos token to start from");
        }
        catch (RejectedException e)
        {
            _rejects.Reject(prompt.Id, e.Reason, e.Message);
        }
        return null;
    }

    private async Task<IReadOnlyList<TextDocument>> WriteAsync(
        IWritingTeacher writer, List<(TextDocument Prompt, Continuation Continuation)> batch, CancellationToken cancellationToken)
    {
        if (batch.Count == 0) return [];
        var request = new WritingRequest(
            [.. batch.Select(b => b.Continuation.Prompt.ToArray())], [.. batch.Select(b => StreamOf(b.Prompt.Id))], _options.MaxNewTokens, _options.Temperature, _options.TopK, _options.TopP, _seed);
        IReadOnlyList<TeacherWriting> answers = await writer.WriteAsync(request, cancellationToken).ConfigureAwait(false);
        var written = new List<TextDocument>(batch.Count);
        for (int i = 0; i < batch.Count; i++)
        {
            (TextDocument prompt, Continuation continuation) = batch[i];
            _meter.Count("newTokens", answers[i].Count);
            if (!answers[i].IsEnded) _meter.Count("cutAnswers", 1);
            if (!answers[i].IsEnded && _options.CutAnswers == CutAnswers.Reject)
            {
                _rejects.Reject(prompt.Id, "the answer was cut", $"{prompt.Id}: the teacher had not ended after {_options.MaxNewTokens} tokens");
                continue;
            }
            string answer = answers[i].Text ?? continuation.Decode(answers[i].Ids);
            written.Add(prompt.Messages is { } turns
                ? prompt with { Messages = [.. turns, new ChatMessage("assistant", answer)] }
                : prompt with { Text = prompt.Text + answer });
        }
        return written;
    }

    private static int StreamOf(DocumentId id) => (int)(CounterRandom.Key((long)id.File, id.Row, id.Part) & int.MaxValue);
}
