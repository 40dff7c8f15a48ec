using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>Per position, float32, in nats. Natural logarithms of probabilities under the whole softmax.</summary>
/// <param name="LogLikelihood">[N] log p(target); 0 where the target is -1.</param>
/// <param name="LogBoundary">[N] log of the summed probability of the boundary tokens.</param>
/// <param name="Entropy">[N].</param>
/// <param name="TopLogProbabilities">[N, k], descending; no gradient.</param>
/// <param name="TopIds">[N, k] int64.</param>
internal sealed record HeadScores(Tensor LogLikelihood, Tensor? LogBoundary, Tensor? Entropy, Tensor? TopLogProbabilities, Tensor? TopIds);
