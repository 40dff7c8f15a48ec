using Pipeline.Stages.Ranks;

namespace Pipeline.Stages.Evaluation;

/// <summary>
/// A model's most likely next byte, at every byte offset of every window where the model begins a token and has a prediction for it. The agreement of
/// two models is computed from two of these. <see cref="WindowScorer"/> fills them. They take two bytes of memory for each byte of text.
/// </summary>
internal sealed class LikeliestBytes
{
    private const short Unknown = -1;
    private readonly IReadOnlyList<WindowTokens> _windows;
    private readonly LikeliestBytes? _reference;

    // For each window, the class at each byte offset, up to the last offset at which a token begins.
    private readonly short[][] _classes;

    /// <summary>Nothing is known at first.</summary>
    /// <param name="windows">The windows under the model's tokenizer, with <see cref="WindowTokens.Offsets"/>.</param>
    /// <param name="reference">The next bytes of another model on the same windows. Only the offsets where it has one are asked for; null: all.</param>
    public LikeliestBytes(IReadOnlyList<WindowTokens> windows, LikeliestBytes? reference = null)
    {
        _windows = windows;
        _reference = reference;
        _classes = [.. windows.Select(w => Enumerable.Repeat(Unknown, 1 + OffsetsOf(w).DefaultIfEmpty(Unknown).Max()).ToArray())];
    }

    /// <summary>The entries of a window's ids at which the next byte is asked for, ascending. Entry 0 is never one of them.</summary>
    internal IEnumerable<int> Entries(int window)
    {
        int[] offsets = OffsetsOf(_windows[window]);
        for (int entry = 1; entry < offsets.Length; entry++)
        {
            if (offsets[entry] >= 0 && _reference?.At(window, offsets[entry]) is not Unknown)
                yield return entry;
        }
    }

    internal void Set(int window, int entry, short nextByte) => _classes[window][OffsetsOf(_windows[window])[entry]] = nextByte;

    /// <summary>Gives every rank what the others have set. At most one rank may have set each offset. Every rank must call it.</summary>
    internal void Share(IRanks ranks)
    {
        foreach (short[] classes in _classes)
        {
            for (int i = 0; i < classes.Length; i++)
                classes[i] -= Unknown;
            ranks.Sum(classes.AsSpan());
            for (int i = 0; i < classes.Length; i++)
                classes[i] += Unknown;
        }
    }

    /// <summary>At how many offsets both models have a next byte, and at how many of these it is the same.</summary>
    public (long Same, long Offsets) ComparedWith(LikeliestBytes other)
    {
        ArgumentNullException.ThrowIfNull(other);
        long same = 0, offsets = 0;
        for (int window = 0; window < _classes.Length; window++)
        {
            for (int offset = 0; offset < _classes[window].Length; offset++)
            {
                short here = At(window, offset), there = other.At(window, offset);
                if (here == Unknown || there == Unknown)
                    continue;
                offsets++;
                same += here == there ? 1 : 0;
            }
        }
        return (same, offsets);
    }

    /// <summary>The next byte at an offset, or <see cref="NextByte.NoByte"/>; -1 where the model has none.</summary>
    internal short At(int window, int offset) => offset < _classes[window].Length ? _classes[window][offset] : Unknown;

    private static int[] OffsetsOf(WindowTokens window)
        => window.Offsets ?? throw new InvalidOperationException("windows were encoded without offsets, which next bytes need");
}
