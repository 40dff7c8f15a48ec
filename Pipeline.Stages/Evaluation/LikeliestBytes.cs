using Pipeline.Stages.Ranks;

namespace Pipeline.Stages.Evaluation;

/// <summary>
/// A model's most likely next byte at every byte offset of every window where it begins a token and has a prediction for it: what two
/// models' top-1 agreement is the share of. Filled by <see cref="WindowScorer"/>. Two bytes of memory per byte of text.
/// </summary>
internal sealed class LikeliestBytes
{
    private const short Unknown = -1;
    private readonly IReadOnlyList<WindowTokens> _windows;
    private readonly LikeliestBytes? _reference;

    // Per window by byte offset, up to the last that a token begins at.
    private readonly short[][] _classes;

    /// <param name="windows">Under the model's tokenizer, with <see cref="WindowTokens.Offsets"/>.</param>
    /// <param name="reference">Another model's of the same windows: only where it has a byte is one asked for. Null: everywhere.</param>
    public LikeliestBytes(IReadOnlyList<WindowTokens> windows, LikeliestBytes? reference = null)
    {
        _windows = windows;
        _reference = reference;
        _classes = [.. windows.Select(w => Enumerable.Repeat(Unknown, 1 + OffsetsOf(w).DefaultIfEmpty(Unknown).Max()).ToArray())];
    }

    /// <summary>Entries of a window's ids at whose beginning the next byte is asked for, ascending; never entry 0.</summary>
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

    /// <summary>Gives every rank what the others have set; each offset was set by one of them at most.</summary>
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

    /// <summary>How many offsets both models have a byte for, and at how many of them it is the same one.</summary>
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

    /// <summary>A byte, <see cref="NextByte.NoByte"/>, or -1 where there is none.</summary>
    internal short At(int window, int offset) => offset < _classes[window].Length ? _classes[window][offset] : Unknown;

    private static int[] OffsetsOf(WindowTokens window)
        => window.Offsets ?? throw new InvalidOperationException("windows were encoded without offsets, which next bytes need");
}
