using Pipeline.Contracts.Errors;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Choices;

/// <summary>Computes the log-likelihoods of continuations after their prompts.</summary>
/// <param name="device">Where the models compute.</param>
/// <param name="members">One model, or several with one tokenizer, whose distributions are averaged.</param>
/// <param name="averaging">How several models are averaged.</param>
/// <param name="batchTokens">How many tokens a batch may have, padding included.</param>
internal sealed class ChoiceScorer(TorchDevice device, IReadOnlyList<LanguageModel> members, Averaging averaging, int batchTokens)
{
    /// <summary>For each row, in their order, Σ log p in nats over the tokens of the continuation, given what comes before them.</summary>
    /// <param name="rows">Prompts with their continuations.</param>
    /// <param name="afterBatch">Called after each batch with the number of rows done. An exception from it stops the work.</param>
    /// <param name="cancellationToken">Stops the work between batches.</param>
    /// <exception cref="Contracts.Errors.InputException">A number of the model is not finite.</exception>
    public async Task<double[]> ScoreAsync(IReadOnlyList<EncodedPrompt> rows, Action<int> afterBatch, CancellationToken cancellationToken)
    {
        foreach (EncodedPrompt row in rows)
        {
            foreach (LanguageModel member in members)
                member.CheckIds(row.Ids);
        }
        var sums = new double[rows.Count];
        int done = 0;
        foreach (int[] batch in LengthBatches.Plan([.. rows.Select(r => r.Ids.Length)], batchTokens))
        {
            float[] likelihoods;
            try
            {
                likelihoods = await device.RunAsync(() => Score([.. batch.Select(i => rows[i])]), cancellationToken);
            }
            catch (Exception e) when (MemoryExhaustion.Is(e))
            {
                throw MemoryExhaustion.At($"choices, batch of {batch.Length} rows of up to {batch.Max(i => rows[i].Ids.Length)} tokens", e, $"lower batchTokens (now {batchTokens})");
            }
            for (int i = 0, at = 0; i < batch.Length; at += rows[batch[i++]].Ids.Length)
            {
                foreach (float likelihood in likelihoods.AsSpan(at, rows[batch[i]].Ids.Length))
                    sums[batch[i]] += likelihood;
            }
            afterBatch(done += batch.Length);
        }
        return sums;
    }

    // Row after row, for each token log p of the token after it; 0 where that token is not part of the continuation.
    private float[] Score(EncodedPrompt[] rows)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        BatchTensors batch = BatchTensors.Of([.. rows.Select(r => r.Ids)], members[0].Device);
        long[] wanted = [.. rows.SelectMany(r => r.Ids.Select((_, t) => t + 1 < r.Ids.Length && t + 1 >= r.Begins ? (long)r.Ids[t + 1] : BatchTensors.NoTarget))];
        Tensor targets_R = tensor(wanted, device: members[0].Device);
        Tensor[] hidden_RH = [.. members.Select(m => m.Hidden(batch).flatten(0, 1).index_select(0, batch.Real_R))];
        Tensor likelihood_R = members.Count == 1
            ? EnsembleHead.LogLikelihood(hidden_RH[0], members[0], targets_R)
            : EnsembleHead.LogLikelihood(hidden_RH, members, targets_R, averaging);
        float[] likelihoods = [.. likelihood_R.cpu().data<float>()];
        if (NotFinite.FirstIn(likelihoods) < 0)
            return likelihoods;
        LanguageModel whose = members.FirstOrDefault(m => !m.Hidden(batch).isfinite().all().cpu().item<bool>()) ?? members[0];
        throw NotFinite.Refusal(whose.Name, whose.Model, $"its likelihoods of a batch of {rows.Length} answers");
    }
}
