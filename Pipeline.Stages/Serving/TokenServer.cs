using System.Runtime.CompilerServices;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Serving;

/// <summary>Serves a model, or several models with one tokenizer that are averaged over its tokens. <see cref="ServingLoop"/> does the work.</summary>
public sealed class TokenServer : IServedModel
{
    private readonly IReadOnlyList<ServedMember> _members;
    private readonly ServingLoop _loop;

    /// <summary>Starts to serve.</summary>
    /// <param name="name">The name that requests use.</param>
    /// <param name="members">The models. They stay the caller's, and must outlive the server.</param>
    /// <param name="averaging">How the members are averaged.</param>
    /// <param name="device">Where they compute.</param>
    /// <param name="limits">How much is done at once.</param>
    public TokenServer(string name, IReadOnlyList<ServedMember> members, Averaging averaging, TorchDevice device, ServingLimits limits)
    {
        (Name, _members) = (name, members);
        Ends = members.SelectMany(m => m.Member.Ends).ToHashSet();
        LanguageModel[] models = [.. members.Select(m => m.Member.Model)];
        Rows = models.Min(m => m.ValidRows);
        MaxLength = models.Min(m => m.Model.Config.MaxPositions);
        _loop = new ServingLoop(models, averaging, Ends, Rows, device, limits);
    }

    public string Name { get; }

    public TextTokenizer Tokenizer => _members[0].Member.Model.Tokenizer;

    public IReadOnlySet<int> Ends { get; }

    public int Rows { get; }

    public int MaxLength { get; }

    public string? Template => _members[0].Template;

    public ServedPrompt Prompt(string text) => Prompt(_members[0].Encode(text));

    public ServedPrompt Prompt(int[] ids)
    {
        if (ids.Length == 0)
            throw new InputException("the prompt has no tokens, and the tokenizer has no bos token to put in front of it");
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)Rows)
                throw new InputException($"the prompt has id {id}, but the ids of model '{Name}' are below {Rows}");
        }
        return new ServedPrompt(ids, [ids]);
    }

    public ServedPrompt Chat(IReadOnlyList<ChatMessage> messages) => Prompt(_members[0].Chat(messages).Ids);

    public Func<IReadOnlyList<int>, string> Decoder(ServedPrompt prompt) => new Continuation(Tokenizer, prompt.Ids).Decode;

    public Task<IReadOnlyList<ServedPosition>> ScoreAsync(ServedPrompt prompt, int top, CancellationToken cancellationToken)
    {
        var work = new ScoringWork(prompt.Ids, top, cancellationToken);
        _loop.Add(work);
        return work.Result.Task.WaitAsync(cancellationToken);
    }

    public async IAsyncEnumerable<ServedToken> GenerateAsync(
        ServedPrompt prompt, GenerationOptions options, int stream, int? top, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A caller that stops reading must also end the work in the loop.
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var work = new AnswerWork(prompt.Ids, options, stream, top, enough.Token);
        _loop.Add(work);
        try
        {
            await foreach (ServedToken token in work.Tokens.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return token;
        }
        finally
        {
            await enough.CancelAsync().ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => _loop.DisposeAsync();
}
