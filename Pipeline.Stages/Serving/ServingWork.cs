using System.Threading.Channels;
using Pipeline.Stages.Models.Generation;

namespace Pipeline.Stages.Serving;

/// <summary>Some work on a model that a caller waits for.</summary>
internal abstract class ServingWork(int[] ids, CancellationToken cancellation)
{
    /// <summary>The prompt.</summary>
    public int[] Ids => ids;

    /// <summary>Whether the caller no longer waits.</summary>
    public bool IsCancelled => cancellation.IsCancellationRequested;

    /// <summary>Ends the work with a failure or as cancelled. Does nothing where it has ended already.</summary>
    public abstract void Fail(Exception error);
}

/// <summary>A prompt that is to be scored.</summary>
internal sealed class ScoringWork(int[] ids, int top, CancellationToken cancellation) : ServingWork(ids, cancellation)
{
    public int Top => top;

    public TaskCompletionSource<IReadOnlyList<ServedPosition>> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override void Fail(Exception error) => Result.TrySetException(error);
}

/// <summary>An answer that grows token by token.</summary>
internal sealed class AnswerWork(int[] ids, GenerationOptions options, int stream, int? top, CancellationToken cancellation) : ServingWork(ids, cancellation)
{
    private readonly TokenSampler _sampler = new(options, stream);
    private readonly HashSet<int> _seen = [.. ids];
    private int _count;

    /// <summary>The tokens so far, for the caller to read. Complete after the last one.</summary>
    public Channel<ServedToken> Tokens { get; } = Channel.CreateUnbounded<ServedToken>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    public override void Fail(Exception error) => Tokens.Writer.TryComplete(error);

    /// <summary>Chooses the next token and passes it to the caller.</summary>
    /// <param name="logits">The logits of the next token.</param>
    /// <param name="ends">The tokens that end an answer.</param>
    /// <returns>The token, and whether it is the last.</returns>
    public (int Id, bool Ends) Choose(float[] logits, IReadOnlySet<int> ends)
    {
        int id = _sampler.Choose(logits, _seen);
        _seen.Add(id);
        bool isLast = ends.Contains(id) || ++_count >= options.MaxNewTokens;
        (double logP, IReadOnlyList<ListedToken> listed) = top is { } asked ? Listed(logits, id, asked) : (double.NaN, []);
        Tokens.Writer.TryWrite(new ServedToken(id, logP, listed, isLast));
        if (isLast)
            Tokens.Writer.TryComplete();
        return (id, isLast);
    }

    /// <summary>The natural log-probabilities of a token and of the most likely tokens, the likeliest first. The logits may have any constant added.</summary>
    public static (double LogP, IReadOnlyList<ListedToken> Top) Listed(float[] logits, int id, int top)
    {
        double largest = logits.Max(), sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp(logit - largest);
        double log = largest + Math.Log(sum);
        var best = new PriorityQueue<int, double>();
        for (int i = 0; i < logits.Length && top > 0; i++)
        {
            best.Enqueue(i, logits[i]);
            if (best.Count > top)
                best.Dequeue();
        }
        return (logits[id] - log, [.. best.UnorderedItems.OrderByDescending(b => b.Priority).ThenBy(b => b.Element).Select(b => new ListedToken(b.Element, b.Priority - log))]);
    }
}
