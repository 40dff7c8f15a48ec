using System.Threading.Channels;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Serving;

/// <summary>
/// The single loop that works on a model for all callers. Prompts to be scored go in batches of similar length. Answers grow together, each by one token in
/// a step, and may begin and end while others go on. A text that begins like an earlier one continues from its keys.
/// </summary>
internal sealed class ServingLoop : IAsyncDisposable
{
    private const int MostSteps = 8;

    private readonly Channel<ServingWork> _queue = Channel.CreateUnbounded<ServingWork>(new UnboundedChannelOptions { SingleReader = true });
    private readonly List<ScoringWork> _scoring = [];
    private readonly Queue<AnswerWork> _waiting = [];
    private readonly List<AnswerWork> _running = [];
    private readonly IReadOnlySet<int> _ends;
    private readonly TorchDevice _device;
    private readonly ServingLimits _limits;
    private readonly DecodingBatch _batch;
    private readonly PrefixCache _prefixes;
    private readonly PromptScorer _scorer;
    private readonly Task _loop;

    /// <summary>Starts the loop.</summary>
    /// <param name="models">The models, which share a tokenizer. They stay the caller's, and must outlive the loop.</param>
    /// <param name="averaging">How the models are averaged.</param>
    /// <param name="ends">The tokens that end an answer.</param>
    /// <param name="rows">The number of ids that may be chosen.</param>
    /// <param name="device">Where the models compute.</param>
    /// <param name="limits">How much is done at once.</param>
    public ServingLoop(IReadOnlyList<LanguageModel> models, Averaging averaging, IReadOnlySet<int> ends, int rows, TorchDevice device, ServingLimits limits)
    {
        (_ends, _device, _limits) = (ends, device, limits);
        _batch = new DecodingBatch([.. models.Select(m => m.Decoding)], models.Count == 1 ? null : logits => EnsembleHead.Combine(logits, averaging), rows);
        _prefixes = new PrefixCache([.. models.Select(m => m.Model)], limits.PrefixTokens);
        _scorer = new PromptScorer(models, averaging, _prefixes);
        _loop = RunAsync();
    }

    /// <summary>Adds some work, whose result the caller waits for. Can be called from any thread. Fails the work once the loop is being stopped.</summary>
    public void Add(ServingWork work)
    {
        if (!_queue.Writer.TryWrite(work))
            work.Fail(new InterruptedException("the server is stopping"));
    }

    /// <summary>Accepts no new work, finishes what is in progress, and frees what the loop holds.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_queue.Writer.TryComplete())
            return;
        await _loop.ConfigureAwait(false);
        await _device.RunAsync(() =>
        {
            _batch.Dispose();
            _prefixes.Dispose();
        }).ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        while (true)
        {
            // Work that arrives while the model is busy is taken together in the next step. When the loop is idle, the first to come does not wait for others.
            bool isIdle = _scoring.Count + _waiting.Count + _running.Count == 0;
            if (isIdle && !await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
                return;
            while (_queue.Reader.TryRead(out ServingWork? work))
            {
                if (work is ScoringWork scoring)
                    _scoring.Add(scoring);
                else
                    _waiting.Enqueue((AnswerWork)work);
            }
            await _device.RunAsync(Steps).ConfigureAwait(false);
        }
    }

    // Takes several steps at a time while nothing new waits, because going back and forth between threads would cost a good part of a small model's step.
    // After them, others get their turn on the device.
    private void Steps()
    {
        int count = 0;
        do
            Step();
        while (++count < MostSteps && _running.Count > 0 && !_queue.Reader.TryPeek(out _));
    }

    private void Step()
    {
        _scoring.RemoveAll(IsGone);
        Leave(IsGone);
        Try(Score, _scoring);
        Try(Admit, _running);
        if (_running.Count > 0)
            Try(Decode, _running);
    }

    // A failure ends all work of its kind, scoring or answers in progress, and no work of the other kind.
    private void Try<T>(Action action, List<T> whose)
        where T : ServingWork
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            Exception error = MemoryExhaustion.Is(e) ? MemoryExhaustion.At("serving", e, "lower --batch-tokens or --rows") : e;
            foreach (T work in whose)
                work.Fail(error);
            whose.Clear();
            _batch.Keep([.. Enumerable.Range(0, _running.Count)]);
        }
    }

    private static bool IsGone(ServingWork work)
    {
        if (work.IsCancelled)
            work.Fail(new OperationCanceledException());
        return work.IsCancelled;
    }

    private void Score()
    {
        // At most one batch of prompts, so that answers in progress do not wait for longer than that.
        int count = 0;
        for (long tokens = 0; count < _scoring.Count && (count == 0 || tokens + _scoring[count].Ids.Length <= _limits.BatchTokens); count++)
            tokens += _scoring[count].Ids.Length;
        if (count == 0)
            return;
        ScoringWork[] some = [.. _scoring.Take(count)];
        IReadOnlyList<IReadOnlyList<ServedPosition>> results = _scorer.Score([.. some.Select(work => work.Ids)], some.Max(work => work.Top), _limits.BatchTokens);
        for (int i = 0; i < count; i++)
            some[i].Result.TrySetResult(results[i]);
        _scoring.RemoveRange(0, count);
    }

    private void Admit()
    {
        var some = new List<AnswerWork>();
        while (_running.Count + some.Count < _limits.Rows && _waiting.TryDequeue(out AnswerWork? work))
        {
            if (!IsGone(work))
                some.Add(work);
        }
        if (some.Count == 0)
            return;
        try
        {
            // A single answer computes the keys that are not known in its first step.
            if (_running.Count + some.Count == 1)
                _batch.Add([some[0].Ids], [Known(some[0].Ids) ?? _batch.NewCaches()]);
            else
                _batch.Add([.. some.Select(work => work.Ids)], Keys(some));
            _running.AddRange(some);
        }
        catch (Exception e)
        {
            some.ForEach(work => work.Fail(e));
            throw;
        }
    }

    // For each text, the keys of all its tokens but the last. They continue those of a text with the same beginning, or are computed together with texts of
    // similar length.
    private KeyValueCache[][] Keys(List<AnswerWork> some)
    {
        var keys = new KeyValueCache[some.Count][];
        List<int> fresh = [];
        for (int i = 0; i < keys.Length; i++)
        {
            if (Known(some[i].Ids) is not { } known)
            {
                fresh.Add(i);
                continue;
            }
            keys[i] = known;
            _batch.Extend(some[i].Ids, known);
        }
        foreach (int[] group in LengthBatches.Plan([.. fresh.Select(i => some[i].Ids.Length)], _limits.BatchTokens))
        {
            KeyValueCache[][] made = _batch.Prefill([.. group.Select(i => some[fresh[i]].Ids)]);
            for (int i = 0; i < group.Length; i++)
                keys[fresh[group[i]]] = made[i];
        }
        return keys;
    }

    // The keys of the last token are left out: they are computed in the step that predicts the next token.
    private KeyValueCache[]? Known(int[] ids)
        => _prefixes.Find(ids) is var (entry, common) ? entry.First(Math.Min(common, Math.Min(entry.Ids.Length, ids.Length) - 1)) : null;

    private void Decode()
    {
        float[][] logits = _batch.Next();
        bool[] isDone = new bool[_running.Count];
        for (int row = 0; row < _running.Count; row++)
        {
            (int id, isDone[row]) = _running[row].Choose(logits[row], _ends);
            _batch.Append(row, id);
        }
        for (int row = 0; row < isDone.Length; row++)
        {
            if (isDone[row])
                _prefixes.Put(new PrefixEntry([.. _batch.Row(row)], _batch.KeysOf(row), null, 0));
        }
        int at = 0;
        Leave(_ => isDone[at++]);
    }

    private void Leave(Predicate<AnswerWork> isDone)
    {
        int[] stay = [.. Enumerable.Range(0, _running.Count).Where(row => !isDone(_running[row]))];
        _batch.Keep(stay);
        AnswerWork[] kept = [.. stay.Select(row => _running[row])];
        _running.Clear();
        _running.AddRange(kept);
    }
}
