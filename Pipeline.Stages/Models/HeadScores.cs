using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>Per position, float32, in nats. Natural logarithms of probabilities under the whole softmax.</summary>
/// <param name="Pass">Where they come from, for gradients of a head that was left out of the graph.</param>
/// <param name="All">[N] each: those of the following that there are, in this order, with the graph.</param>
internal sealed record HeadScores(HeadPass Pass, IReadOnlyList<Tensor> All)
{
    /// <summary>[N] log p(target); 0 where the target is -1.</summary>
    public Tensor LogLikelihood => All[0];

    /// <summary>[N] log of the summed probability of the boundary tokens.</summary>
    public Tensor? LogBoundary => Pass.LogBoundary_N is null ? null : All[1];

    /// <summary>[N] what <see cref="HeadOptions.Reading"/> says.</summary>
    public Tensor? Reading => Pass.Reading_N is null ? null : All[^1];
}
