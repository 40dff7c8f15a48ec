using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Ensembles;

/// <summary>
/// Log-likelihoods under the average of M models that share a vocabulary. N positions, S positions of a slice, V vocabulary rows, H hidden size.
/// Logits are computed in slices, so that [N, V] never exists as a whole.
/// </summary>
internal static class EnsembleHead
{
    /// <summary>The number of logits in a slice.</summary>
    public const long SliceElements = 8 << 20;

    /// <summary>[N] float32, the log-likelihood of each target under the average.</summary>
    /// <param name="hidden_NH">For each member, the final hidden states [N, H].</param>
    /// <param name="members">The models.</param>
    /// <param name="targets_N">int64 ids. -1 is no target, and gets the log-likelihood 0.</param>
    /// <param name="average">How the distributions become one.</param>
    public static Tensor LogLikelihood(IReadOnlyList<Tensor> hidden_NH, IReadOnlyList<LanguageModel> members, Tensor targets_N, Averaging average)
        => average.Kind == EnsembleAverage.Probability ? OfProbabilities(hidden_NH, members, targets_N, average.Weights) : OfLogProbabilities(hidden_NH, members, targets_N, average.Weights);

    /// <summary>[N] float32, the log-likelihood of each target under one model.</summary>
    public static Tensor LogLikelihood(Tensor hidden_NH, LanguageModel model, Tensor targets_N)
        => VocabularyHead.Score(hidden_NH, model.Model.HeadWeight, targets_N, new HeadOptions(model.Model.Config.FinalSoftcap, model.ValidRows)).LogLikelihood;

    // log Σ w_m p_m(target) does not need the probabilities of other tokens.
    private static Tensor OfProbabilities(IReadOnlyList<Tensor> hidden_NH, IReadOnlyList<LanguageModel> members, Tensor targets_N, IReadOnlyList<double> weights)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor likelihoods_MN = stack(members.Select((m, i) => LogLikelihood(hidden_NH[i], m, targets_N) + Math.Log(weights[i])));
        return likelihoods_MN.logsumexp(0).masked_fill(targets_N.lt(Scalars.Zero), Scalars.Zero).MoveToOuterDisposeScope();
    }

    // Σ w_m log p_m(target) − log Σ_v exp(Σ w_m log p_m(v)). The members' own normalizers cancel, so raw logits are averaged.
    private static Tensor OfLogProbabilities(IReadOnlyList<Tensor> hidden_NH, IReadOnlyList<LanguageModel> members, Tensor targets_N, IReadOnlyList<double> weights)
    {
        using DisposeScope scope = NewDisposeScope();
        int valid = members.Min(m => m.ValidRows);
        long count = targets_N.size(0), step = Math.Max(1, SliceElements / valid);
        var parts = new List<Tensor>();
        for (long start = 0; start < count; start += step)
        {
            using DisposeScope slice = NewDisposeScope();
            long length = Math.Min(step, count - start);
            Tensor mean_SV = MeanLogits([.. hidden_NH.Select(h => h.narrow(0, start, length))], members, weights);
            Tensor chosen = mean_SV.gather(1, targets_N.narrow(0, start, length).clamp_min(Scalars.Zero).unsqueeze(1)).squeeze(1);
            parts.Add((chosen - mean_SV.logsumexp(1)).MoveToOuterDisposeScope());
        }
        return cat(parts).masked_fill(targets_N.lt(Scalars.Zero), Scalars.Zero).MoveToOuterDisposeScope();
    }

    /// <summary>[S, V] the logits of the average, up to a constant for each row, from the logits of the members.</summary>
    public static Tensor Combine(IReadOnlyList<Tensor> logits_SV, Averaging average)
    {
        if (logits_SV.Count == 1)
            return logits_SV[0];
        using DisposeScope scope = NewDisposeScope();
        Tensor one_SV = average.Kind == EnsembleAverage.Probability
            ? stack(logits_SV.Select((z, m) => z.to(ScalarType.Float32).log_softmax(1) + Math.Log(average.Weights[m]))).logsumexp(0)
            : logits_SV.Select((z, m) => z.to(ScalarType.Float32) * average.Weights[m]).Aggregate((a, b) => a + b);
        return one_SV.MoveToOuterDisposeScope();
    }

    /// <summary>[S, V] float32, the weighted sum of the members' logits over the rows that every member has.</summary>
    public static Tensor MeanLogits(IReadOnlyList<Tensor> hidden_SH, IReadOnlyList<LanguageModel> members, IReadOnlyList<double> weights)
    {
        int valid = members.Min(m => m.ValidRows);
        Tensor mean_SV = zeros([hidden_SH[0].size(0), valid], dtype: ScalarType.Float32, device: hidden_SH[0].device);
        for (int m = 0; m < members.Count; m++)
            mean_SV.add_(Logits(hidden_SH[m], members[m], valid), weights[m]);
        return mean_SV;
    }

    /// <summary>[S, V] float32, a model's logits over the first <paramref name="valid"/> rows, softcapped if the model does so.</summary>
    public static Tensor Logits(Tensor hidden_SH, LanguageModel model, int valid)
    {
        Tensor logits = HeadPass.RawLogits(hidden_SH, model.Model.HeadWeight.narrow(0, 0, valid));
        return model.Model.Config.FinalSoftcap is { } c ? logits.div(c).tanh().mul(c) : logits;
    }
}
