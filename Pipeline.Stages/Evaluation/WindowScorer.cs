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
/// Computes the log-likelihoods of windows and, where they are asked for, the most likely next bytes. The windows are sorted by length and scored in
/// batches. The batches do not depend on the number of ranks, which share them; so the results do not depend on it either. H hidden size, R tokens of
/// a batch that are not padding.
/// </summary>
internal sealed class WindowScorer(TorchDevice device, int batchTokens, IRanks? ranks = null)
{
    private readonly IRanks _ranks = ranks ?? OneRank.Instance;

    /// <summary>How many tokens all batches had so far, padding included, and how many of these were padding.</summary>
    public (long Tokens, long Padding) Work { get; private set; }

    /// <summary>
    /// For each window, in their order, Σ log p(token | tokens before) in nats over the tokens that are judged and have a score. Every rank must call it,
    /// and gets the same sums.
    /// </summary>
    /// <param name="members">One model, or several with one tokenizer, whose distributions are averaged.</param>
    /// <param name="average">How several models are averaged.</param>
    /// <param name="windows">The windows under the members' tokenizer.</param>
    /// <param name="nextBytes">Gets the most likely next bytes of these windows, from the same hidden states. Null where they are not needed.</param>
    /// <param name="kept">For each window that this rank scores, gets log p of each token, with 0 for entry 0. Null where they are not needed.</param>
    /// <param name="afterBatch">Called after each batch with the number of windows that this rank has done. An exception from it stops the work.</param>
    /// <param name="cancellationToken">Stops the work between batches.</param>
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
        // Each window was scored by one rank, and its sum is 0 on the others.
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

    /// <summary>Row after row, the place in R of the token before each entry, whose hidden state predicts the entry.</summary>
    private static IEnumerable<long> Before(int[][] rows, int[][] entries)
    {
        long start = 0;
        for (int row = 0; row < rows.Length; start += rows[row++].Length)
        {
            foreach (int entry in entries[row])
                yield return start + entry - 1;
        }
    }

    /// <summary>The scores of a batch.</summary>
    /// <param name="LogLikelihood_R">Row after row, for each token log p of the token after it; 0 for the last of a row.</param>
    /// <param name="NextByte_N">Row after row, the class of the most likely next byte at each entry for which it was asked.</param>
    private readonly record struct BatchScores(float[] LogLikelihood_R, long[] NextByte_N);
}
