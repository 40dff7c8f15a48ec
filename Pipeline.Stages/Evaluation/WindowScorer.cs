using Pipeline.Contracts.Errors;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Language;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>
/// Log-likelihoods of windows, and where asked the most likely next bytes: sorted by length and taken in batches of a given number of tokens, padding included, on the device's thread. H
/// hidden, R tokens that are not padding. Ranks share the batches, which are the same however many there are, and so are the numbers.
/// </summary>
internal sealed class WindowScorer(TorchDevice device, int batchTokens, IRanks? ranks = null)
{
    private readonly IRanks _ranks = ranks ?? OneRank.Instance;

    /// <summary>Tokens of all batches so far, padding included, and those that were padding.</summary>
    public (long Tokens, long Padding) Work { get; private set; }

    /// <summary>Per window Σ log p(token | tokens before) over its tokens but the first, in nats, in the order of the windows.</summary>
    /// <param name="members">One model, or several with one tokenizer whose distributions are averaged.</param>
    /// <param name="average">How several are averaged.</param>
    /// <param name="windows">Under the members' tokenizer.</param>
    /// <param name="nextBytes">Gets the most likely next bytes of these windows, from the same hidden states; null: not computed.</param>
    /// <param name="kept">Gets log p of each token of each window that this rank scores; null: nobody wants them.</param>
    /// <param name="afterBatch">Called between batches with the number of windows done; what it throws stops the work.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public async Task<double[]> ScoreAsync(
        IReadOnlyList<LanguageModel> members,
        Averaging average,
        IReadOnlyList<WindowTokens> windows,
        LikeliestBytes? nextBytes = null,
        float[]?[]? kept = null,
        Action<int>? afterBatch = null,
        CancellationToken cancellationToken = default)
    {
        foreach (WindowTokens window in windows)
        {
            foreach (LanguageModel member in members)
                member.CheckIds(window.Ids);
        }
        long[]? classes_V = nextBytes is null ? null : NextByte.ClassesOf(members[0].Tokenizer);
        var sums = new double[windows.Count];
        int done = 0, turn = 0;
        (long Tokens, long Padding) before = Work;
        foreach (int[] batch in LengthBatches.Plan([.. windows.Select(w => w.Ids.Length)], batchTokens))
        {
            if (turn++ % _ranks.Count != _ranks.Rank)
                continue;
            int[][] rows = [.. batch.Select(i => windows[i].Ids)];
            int[][] entries = [.. batch.Select(i => nextBytes?.Entries(i).ToArray() ?? [])];
            BatchScores scores;
            try
            {
                scores = await device.RunAsync(() => Score(members, average, rows, entries, classes_V), cancellationToken);
            }
            catch (Exception e) when (MemoryExhaustion.Is(e))
            {
                throw MemoryExhaustion.At(
                    $"evaluation, batch of {batch.Length} windows of up to {batch.Max(i => windows[i].Ids.Length)} tokens", e, $"lower batchTokens (now {batchTokens}) or windowBytes");
            }
            int at = 0, asked = 0;
            for (int row = 0; row < batch.Length; row++)
            {
                // The score at a position belongs to the token after it.
                int first = windows[batch[row]].FirstScored - 1;
                if (kept is not null)
                    kept[batch[row]] = [0, .. scores.LogLikelihood_R.AsSpan(at, rows[row].Length - 1)];
                for (int token = 0; token < rows[row].Length; token++, at++)
                {
                    if (token >= first) sums[batch[row]] += scores.LogLikelihood_R[at];
                }
                foreach (int entry in entries[row])
                    nextBytes!.Set(batch[row], entry, (short)scores.NextByte_N[asked++]);
            }
            done += batch.Length;
            afterBatch?.Invoke(done);
        }
        // Each number was made by one rank and is 0 on the others.
        _ranks.Sum(sums.AsSpan());
        nextBytes?.Share(_ranks);
        double[] work = [Work.Tokens - before.Tokens, Work.Padding - before.Padding];
        _ranks.Sum(work.AsSpan());
        Work = (before.Tokens + (long)work[0], before.Padding + (long)work[1]);
        return sums;
    }

    private BatchScores Score(IReadOnlyList<LanguageModel> members, Averaging average, int[][] rows, int[][] entries, long[]? classes_V)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        BatchTensors batch = BatchTensors.Of(rows, members[0].Device);
        Work = (Work.Tokens + batch.Ids_BT.numel(), Work.Padding + batch.Ids_BT.numel() - batch.Real_R.numel());
        Tensor[] hidden_RH = [.. members.Select(m => m.Hidden(batch).flatten(0, 1).index_select(0, batch.Real_R))];
        Tensor likelihood_R = members.Count == 1
            ? EnsembleHead.LogLikelihood(hidden_RH[0], members[0], batch.Targets_R)
            : EnsembleHead.LogLikelihood(hidden_RH, members, batch.Targets_R, average);
        float[] likelihoods = [.. likelihood_R.cpu().data<float>()];
        long[] before_N = [.. Before(rows, entries)];
        if (classes_V is null || before_N.Length == 0)
            return new BatchScores(likelihoods, []);
        Tensor at_N = tensor(before_N, device: members[0].Device);
        Tensor nextByte_N = NextByte.MostLikely(
            [.. hidden_RH.Select(h => h.index_select(0, at_N))], members, average, tensor(classes_V, device: members[0].Device));
        return new BatchScores(likelihoods, [.. nextByte_N.cpu().data<long>()]);
    }

    /// <summary>Row after row, the place in R of the token before each entry: its hidden state says what comes there.</summary>
    private static IEnumerable<long> Before(int[][] rows, int[][] entries)
    {
        long start = 0;
        for (int row = 0; row < rows.Length; start += rows[row++].Length)
        {
            foreach (int entry in entries[row])
                yield return start + entry - 1;
        }
    }

    /// <param name="LogLikelihood_R">Row after row, for each token the log p of the token after it; 0 for the last of a row.</param>
    /// <param name="NextByte_N">Row after row, the class of the most likely next byte at each entry that was asked for.</param>
    private readonly record struct BatchScores(float[] LogLikelihood_R, long[] NextByte_N);
}
