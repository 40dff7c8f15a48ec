using Pipeline.Contracts.Errors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Combine;

/// <summary>Makes the rules that combine the gradients of several objectives, and applies them.</summary>
internal static class GradientCombination
{
    /// <summary>The rule that a definition names.</summary>
    /// <param name="options">The definition's keys.</param>
    /// <param name="objectives">K, the number of objectives.</param>
    /// <exception cref="DefinitionException">PCGrad is combined with GradNorm.</exception>
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
    /// Applies a rule: projects the gradients, weights them by their norms, and sums them. The norm of an objective is taken over its first
    /// <paramref name="normed"/> tensors, usually the last layer's parameters. The others, such as the head's parameters and the last layer's input,
    /// are projected and weighted in the same way.
    /// </summary>
    /// <param name="rule">The rule. Its state advances by a step.</param>
    /// <param name="losses">[K] mean losses of the step.</param>
    /// <param name="preferences">[K] the weights that the user gave the objectives, at this step.</param>
    /// <param name="gradients_KP">[K][P] gradients; tensor p has the same shape for every objective.</param>
    /// <param name="normed">How many of the P tensors the norms are over.</param>
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

    /// <summary>√Σ g² over all tensors. Each tensor's norm is in its own type, and their squares are summed in float64.</summary>
    public static double Norm(IEnumerable<Tensor> gradients)
    {
        double sum = 0;
        foreach (Tensor gradient in gradients)
        {
            using var scope = NewDisposeScope();
            // No float64 copy here: for the gradient of a vocabulary head it would be twice as large as the gradient itself.
            double norm = linalg.vector_norm(gradient.detach().flatten()).to_type(ScalarType.Float64).item<double>();
            sum += norm * norm;
        }
        return Math.Sqrt(sum);
    }

    /// <summary>[P] for each tensor, Σ_k w_k g_k.</summary>
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

/// <summary>What <see cref="GradientCombination.Combine"/> makes of the gradients of K objectives by P tensors.</summary>
/// <param name="Gradients_P">[P] the combined gradients.</param>
/// <param name="Weights">[K] what each objective was multiplied by, the user's weight included. The logged loss is weighted by it too.</param>
/// <param name="Norms">[K] the norms that the weights were computed from, after any projection.</param>
internal sealed record CombinedGradient(IReadOnlyList<Tensor> Gradients_P, double[] Weights, double[] Norms);
