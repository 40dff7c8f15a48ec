using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Likelihoods under the softmax over a vocabulary without ever holding [N, V]: works through slices of positions and computes most of
/// them again in the backward pass. N positions, V vocabulary rows, H hidden.
/// </summary>
internal static class VocabularyHead
{
    /// <param name="hidden_NH">Hidden states after the final norm.</param>
    /// <param name="head_VH">The head, or tied embeddings.</param>
    /// <param name="targets_N">int64 ids below <see cref="HeadOptions.ValidRows"/>; -1: no target, log-likelihood 0.</param>
    /// <param name="options">What else.</param>
    public static HeadScores Score(Tensor hidden_NH, Tensor head_VH, Tensor targets_N, HeadOptions options)
    {
        HeadProblem problem = new(hidden_NH, head_VH, targets_N, options);
        if (!is_grad_enabled() || !(hidden_NH.requires_grad || head_VH.requires_grad))
        {
            using IDisposable quiet = no_grad();
            HeadForward forward = HeadForward.Compute(problem, hidden_NH, head_VH, targets_N);
            forward.LogNormalizer.Dispose();
            return forward.Scores;
        }

        (List<Tensor> outputs, HeadForward top) = HeadFunction.Run(problem, hidden_NH, head_VH, targets_N);
        Tensor? boundary = options.BoundaryMask is null ? null : outputs[1];
        return new HeadScores(outputs[0], boundary, options.Entropy ? outputs[^1] : null, top.Scores.TopLogProbabilities, top.Scores.TopIds);
    }
}
