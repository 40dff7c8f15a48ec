using Pipeline.Contracts.Errors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Combine;

/// <summary>The one way a rule is applied, and the rules by name.</summary>
internal static class GradientCombination
{
    public static IGradientCombination Create(CombineOptions options, int objectives) => options.Rule switch
    {
        CombineRule.Fixed => new WeightRule(options.Pcgrad, null),
        CombineRule.Gradmag => new WeightRule(options.Pcgrad, options.Normalize ? GradientWeights.InverseNormShares : GradientWeights.InverseNorms),
        CombineRule.Clip => new WeightRule(options.Pcgrad, norms => GradientWeights.Clip(norms, options.ClipNorm)),
        CombineRule.Gradnorm when options.Pcgrad => throw new DefinitionException(
            "combine: 'pcgrad' cannot be combined with the rule 'gradnorm', which learns from unchanged gradients; leave one of them out"),
        CombineRule.Gradnorm => new GradNorm(options.GradnormAlpha, options.GradnormRate, objectives),
        _ => throw new ArgumentOutOfRangeException(nameof(options), options.Rule, null),
    };

    /// <summary>
    /// Projects, weighs by the norms and sums. The first <paramref name="normed"/> tensors of each objective are the parameters
    /// whose norm decides; the rest (the last layer's input) is projected and weighted along.
    /// </summary>
    /// <param name="rule">The rule; its state advances.</param>
    /// <param name="losses">[K] mean losses.</param>
    /// <param name="preferences">[K] the user's weights at this step.</param>
    /// <param name="gradients_KP">[K][P] gradients, equal shapes over K.</param>
    /// <param name="normed">How many of the P tensors the norm is over.</param>
    public static CombinedGradient Combine(
        IGradientCombination rule, ReadOnlySpan<double> losses, ReadOnlySpan<double> preferences, IReadOnlyList<IReadOnlyList<Tensor>> gradients_KP, int normed)
    {
        IReadOnlyList<IReadOnlyList<Tensor>> projected = rule.Projects ? rule.Project(gradients_KP) : gradients_KP;
        var norms = new double[projected.Count];
        for (int k = 0; k < norms.Length; k++)
            norms[k] = Norm(projected[k].Take(normed));
        double[] weights = rule.Weights(losses, norms);
        for (int k = 0; k < weights.Length; k++)
            weights[k] *= preferences[k];
        return new CombinedGradient(WeightedSum(projected, weights), weights, norms);
    }

    /// <summary>√Σ g² over all tensors, summed in float64.</summary>
    public static double Norm(IEnumerable<Tensor> gradients)
    {
        double sum = 0;
        foreach (Tensor gradient in gradients)
        {
            using var scope = NewDisposeScope();
            // Per tensor in its own dtype: a float64 copy of a vocabulary's gradient would double the memory of the step.
            double norm = linalg.vector_norm(gradient.detach().flatten()).to_type(ScalarType.Float64).item<double>();
            sum += norm * norm;
        }
        return Math.Sqrt(sum);
    }

    /// <summary>Σ_k w_k g_k per tensor.</summary>
    public static IReadOnlyList<Tensor> WeightedSum(IReadOnlyList<IReadOnlyList<Tensor>> gradients_KP, ReadOnlySpan<double> weights)
    {
        var sums = new Tensor[gradients_KP[0].Count];
        for (int p = 0; p < sums.Length; p++)
        {
            sums[p] = gradients_KP[0][p] * weights[0];
            for (int k = 1; k < gradients_KP.Count; k++)
                sums[p].add_(gradients_KP[k][p], weights[k]);
        }
        return sums;
    }
}

/// <param name="Gradients_P">[P] the combined gradients.</param>
/// <param name="Weights">[K] what each objective was multiplied by: to be used below the last layer and for the logged loss.</param>
/// <param name="Norms">[K] the norms that decided.</param>
internal sealed record CombinedGradient(IReadOnlyList<Tensor> Gradients_P, double[] Weights, double[] Norms);
