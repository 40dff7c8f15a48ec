using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>Per position, float32, in nats. Natural logarithms of probabilities under the whole softmax.</summary>
/// <param name="LogLikelihood">[N] log p(target); 0 where the target is -1.</param>
/// <param name="LogBoundary">[N] log of the summed probability of the boundary tokens.</param>
internal sealed record HeadScores(Tensor LogLikelihood, Tensor? LogBoundary)
{
    /// <summary>Where they come from; for <see cref="HeadGradient"/> where the head was left out of the graph.</summary>
    public required HeadPass Pass { get; init; }
}
