using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// The scores of each of N positions, float32, with the graph if there is one. Logarithms are natural, and probabilities are those of the softmax over all
/// valid rows.
/// </summary>
/// <param name="Pass">The pass that computed the scores, for the gradient of a head that was left out of the graph.</param>
/// <param name="All">[N] each, the scores that were asked for: log-likelihood, log boundary mass, reading.</param>
internal sealed record HeadScores(HeadPass Pass, IReadOnlyList<Tensor> All)
{
    /// <summary>[N] log p(target); 0 where the target is -1.</summary>
    public Tensor LogLikelihood => All[0];

    /// <summary>[N] the logarithm of the boundary tokens' summed probability; null if it was not asked for.</summary>
    public Tensor? LogBoundary => Pass.LogBoundary_N is null ? null : All[1];

    /// <summary>[N] the numbers of <see cref="HeadOptions.Reading"/>; null if there is no reading.</summary>
    public Tensor? Reading => Pass.Reading_N is null ? null : All[^1];
}
