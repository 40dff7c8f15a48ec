using Pipeline.Stages.Batching;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>
/// Log-likelihoods of windows: sorted by length and taken in batches of so many tokens, padding included, on the device's thread. H
/// hidden, R tokens that are not padding.
/// </summary>
public sealed class WindowScorer(TorchDevice device, int batchTokens)
{
    /// <summary>Tokens of all batches so far, padding included, and those that were padding.</summary>
    public (long Tokens, long Padding) Work { get; private set; }

    /// <summary>Per window Σ log p(token | tokens before) over its tokens but the first, in nats, in the order of the windows.</summary>
    /// <param name="members">One model, or several with one tokenizer whose distributions are averaged.</param>
    /// <param name="average">How several are averaged.</param>
    /// <param name="windows">Under the members' tokenizer.</param>
    /// <param name="afterBatch">Called between batches with the number of windows done; what it throws stops the work.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public async Task<double[]> ScoreAsync(
        IReadOnlyList<ScoringModel> members,
        EnsembleAverage average,
        IReadOnlyList<WindowTokens> windows,
        Action<int>? afterBatch = null,
        CancellationToken cancellationToken = default)
    {
        foreach (WindowTokens window in windows)
        {
            foreach (ScoringModel member in members)
                member.CheckIds(window.Ids);
        }
        var sums = new double[windows.Count];
        int done = 0;
        foreach (int[] batch in LengthBatches.Plan([.. windows.Select(w => w.Ids.Length)], batchTokens))
        {
            float[] scores;
            try
            {
                scores = await device.RunAsync(() => Score(members, average, [.. batch.Select(i => windows[i].Ids)]), cancellationToken);
            }
            catch (Exception e) when (MemoryExhaustion.Is(e))
            {
                throw MemoryExhaustion.At(
                    $"evaluation, batch of {batch.Length} windows of up to {batch.Max(i => windows[i].Ids.Length)} tokens", e, $"lower batchTokens (now {batchTokens}) or windowBytes");
            }
            int at = 0;
            foreach (int index in batch)
            {
                for (int token = 0; token < windows[index].Ids.Length; token++)
                    sums[index] += scores[at++];
            }
            done += batch.Length;
            afterBatch?.Invoke(done);
        }
        return sums;
    }

    /// <summary>Row after row, per token log p of the token behind it; 0 for the last of a row.</summary>
    private float[] Score(IReadOnlyList<ScoringModel> members, EnsembleAverage average, IReadOnlyList<int[]> rows)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        BatchTensors batch = BatchTensors.Of(rows, members[0].Device);
        Work = (Work.Tokens + batch.Ids_BT.numel(), Work.Padding + batch.Ids_BT.numel() - batch.Real_R.numel());
        Tensor[] hidden_RH = [.. members.Select(m => m.Hidden(batch.Ids_BT).flatten(0, 1).index_select(0, batch.Real_R))];
        Tensor likelihood_R = members.Count == 1
            ? EnsembleHead.LogLikelihood(hidden_RH[0], members[0], batch.Targets_R)
            : EnsembleHead.LogLikelihood(hidden_RH, members, batch.Targets_R, average);
        return [.. likelihood_R.cpu().data<float>()];
    }
}
