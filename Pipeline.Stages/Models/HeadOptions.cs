using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>What the vocabulary head computes in addition to log-likelihoods, and how.</summary>
/// <param name="Softcap">The c in c tanh(z/c), which is applied to the logits; null: none.</param>
/// <param name="ValidRows">How many rows of the head are tokens. Later rows get no probability. 0: all are.</param>
/// <param name="BoundaryMask">bool [V] (or [ValidRows]), the tokens whose mass is asked for; null: it is not asked for.</param>
/// <param name="SliceTokens">
/// How many positions are worked on at a time. 0: chosen from the sizes, see <see cref="HeadProblem.SliceRows"/>. For wide heads and many positions, the
/// memory then stays below a sixteenth of the plain way's, which holds all logits at once. It is 512 MB at most, or 2 GB on CUDA.
/// </param>
/// <param name="KeepTokens">
/// For how many positions the weights are kept for the head's gradient, rounded down to whole slices. Those of the last slice are kept in any case; all
/// others are computed again. -1: for all, if that takes 64 MB at most and the hidden states are at least 256 wide, else for none. With a softcap, no
/// weights are kept at all.
/// </param>
/// <param name="ManyLosses">
/// Whether several losses will go back to the hidden states one by one. The derivatives of the scores are then kept for them, [N, H] each.
/// </param>
internal sealed record HeadOptions(double? Softcap = null, int ValidRows = 0, Tensor? BoundaryMask = null, int SliceTokens = 0, int KeepTokens = -1, bool ManyLosses = false)
{
    /// <summary>
    /// Gets each slice of the forward pass when it has been computed, for sums over the whole distribution. Only for passes without gradients.
    /// </summary>
    public Action<HeadSlice>? OnSlice { get; init; }

    /// <summary>Whether <see cref="HeadGradient.OfHead"/> will be called later, for a head that is not in the graph.</summary>
    public bool HeadLater { get; init; }

    /// <summary>A further score of each position; null: none.</summary>
    public IHeadReading? Reading { get; init; }
}
