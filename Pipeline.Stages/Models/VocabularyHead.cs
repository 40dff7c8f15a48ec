using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Log-likelihoods under the softmax over a vocabulary, without a large [N, V] in memory. It works through slices of positions, and computes a slice
/// again for the gradients unless it was kept (<see cref="HeadOptions.KeepTokens"/>). N positions, V vocabulary rows, H hidden.
/// </summary>
internal static class VocabularyHead
{
    /// <summary>The scores of all positions, with a graph if gradients are enabled and the hidden states or the head require them.</summary>
    /// <param name="hidden_NH">The hidden states after the final norm.</param>
    /// <param name="head_VH">The head, or the embeddings that it is tied to.</param>
    /// <param name="targets_N">int64 ids below <see cref="HeadOptions.ValidRows"/>. -1 is no target, and gets the log-likelihood 0.</param>
    /// <param name="options">What is computed besides, and how.</param>
    /// <exception cref="ArgumentException">Shapes, ids or options do not fit one another.</exception>
    public static HeadScores Score(Tensor hidden_NH, Tensor head_VH, Tensor targets_N, HeadOptions options)
    {
        HeadProblem problem = new(hidden_NH, head_VH, targets_N, options);
        bool hasGraph = is_grad_enabled() && (hidden_NH.requires_grad || head_VH.requires_grad);
        HeadPass pass = HeadPass.Run(problem, hidden_NH, head_VH, targets_N, hasGraph);
        return new HeadScores(pass, hasGraph ? HeadFunction.Run(pass, hidden_NH, head_VH) : pass.Scores);
    }
}
