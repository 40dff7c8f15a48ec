using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>
/// Log-likelihoods of windows: sorted by length and taken in batches of so many tokens, padding included, on the device's thread. B
/// windows, T positions, H hidden, N scored tokens.
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
        int done = windows.Count(w => w.Ids.Length < 2);
        foreach (int[] batch in LengthBatches.Of([.. windows.Select(w => w.Ids.Length)], batchTokens))
        {
            float[] scores = await device.RunAsync(() => Score(members, average, windows, batch), cancellationToken);
            int at = 0;
            foreach (int index in batch)
            {
                for (int token = 1; token < windows[index].Ids.Length; token++)
                    sums[index] += scores[at++];
            }
            done += batch.Length;
            afterBatch?.Invoke(done);
        }
        return sums;
    }

    /// <summary>log p of every token but the first, window after window.</summary>
    private float[] Score(IReadOnlyList<ScoringModel> members, EnsembleAverage average, IReadOnlyList<WindowTokens> windows, int[] batch)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int length = batch.Max(i => windows[i].Ids.Length);
        var ids = new long[batch.Length * length];
        var positions = new List<long>();
        var targets = new List<long>();
        for (int row = 0; row < batch.Length; row++)
        {
            int[] tokens = windows[batch[row]].Ids;
            for (int t = 0; t < tokens.Length; t++)
            {
                ids[(row * length) + t] = tokens[t];
                if (t == 0)
                    continue;
                positions.Add((row * length) + t - 1);
                targets.Add(tokens[t]);
            }
        }
        Work = (Work.Tokens + ids.Length, Work.Padding + ids.Length - targets.Count - batch.Length);
        Device on = members[0].Device;
        Tensor ids_BT = tensor(ids, [batch.Length, length], dtype: ScalarType.Int64, device: on);
        Tensor targets_N = tensor(targets.ToArray(), dtype: ScalarType.Int64, device: on);
        // Padding is on the right, where causal attention does not look.
        Tensor positions_N = tensor(positions.ToArray(), dtype: ScalarType.Int64, device: on);
        Tensor[] hidden_NH = [.. members.Select(m => m.Hidden(ids_BT).flatten(0, 1).index_select(0, positions_N))];
        Tensor likelihood_N = members.Count == 1
            ? EnsembleHead.LogLikelihood(hidden_NH[0], members[0], targets_N)
            : EnsembleHead.LogLikelihood(hidden_NH, members, targets_N, average);
        return [.. likelihood_N.cpu().data<float>()];
    }
}
