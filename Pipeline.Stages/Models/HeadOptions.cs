using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>What the vocabulary head computes beside log-likelihoods.</summary>
/// <param name="Softcap">c of c tanh(z/c) on the logits; null: none.</param>
/// <param name="ValidRows">Rows of the head that are tokens; rows from here on get no probability. 0: all.</param>
/// <param name="BoundaryMask">bool [V] (or [ValidRows]): tokens whose mass is asked for; null: not asked.</param>
/// <param name="SliceTokens">Positions worked on at a time; 0: by the sizes, so that the memory stays below a sixteenth of the plain way's; at most 512 MB.</param>
/// <param name="KeepTokens">
/// Positions whose weights are kept for the head's gradient, rounded down to whole slices; of the others the last slice's are, and the rest are
/// computed again. -1: all where that is 64 MB at most and the hidden states are 256 wide or wider, else none. None behind a softcap.
/// </param>
/// <param name="ManyLosses">Several losses go back to the hidden states one by one: the scores' derivatives are kept for them, [N, H] each.</param>
internal sealed record HeadOptions(double? Softcap = null, int ValidRows = 0, Tensor? BoundaryMask = null, int SliceTokens = 0, int KeepTokens = -1, bool ManyLosses = false)
{
    /// <summary>Gets each slice of a pass forward as it is computed, for sums over the whole distribution; not where gradients are wanted.</summary>
    public Action<HeadSlice>? OnSlice { get; init; }

    /// <summary>Whether <see cref="HeadGradient.OfHead"/> will be asked, of a head that is not in the graph.</summary>
    public bool HeadLater { get; init; }

    /// <summary>A further score; null: none.</summary>
    public IHeadReading? Reading { get; init; }
}
