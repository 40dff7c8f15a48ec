using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Likelihoods under the softmax over a vocabulary without ever holding [N, V]: works through slices of positions and computes most of
/// them again for the head's own gradient. N positions, V vocabulary rows, H hidden.
/// </summary>
internal static class VocabularyHead
{
    /// <param name="hidden_NH">Hidden states after the final norm.</param>
    /// <param name="head_VH">The head, or tied embeddings.</param>
    /// <param name="targets_N">int64 ids below <see cref="HeadOptions.ValidRows"/>; -1: no target, log-likelihood 0.</param>
    /// <param name="options">What else.</param>
    /// <exception cref="ArgumentException">Shapes, ids or options that do not fit one another.</exception>
    public static HeadScores Score(Tensor hidden_NH, Tensor head_VH, Tensor targets_N, HeadOptions options)
    {
        HeadProblem problem = new(hidden_NH, head_VH, targets_N, options);
        bool hasGraph = is_grad_enabled() && (hidden_NH.requires_grad || head_VH.requires_grad);
        HeadPass pass = HeadPass.Run(problem, hidden_NH, head_VH, targets_N, hasGraph);
        return new HeadScores(pass, hasGraph ? HeadFunction.Run(pass, hidden_NH, head_VH) : pass.Scores);
    }
}
