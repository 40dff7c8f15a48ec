using System.Numerics;

namespace Pipeline.Stages.NextBytes;

/// <summary>Which places may come next, one bit each, and whether the text may end. Immutable and shared.</summary>
internal sealed class TokenMask(ulong[] valid, bool ends)
{
    public bool Ends => ends;

    public ulong[] Copy() => [.. valid];

    public bool this[int place] => (valid[place >> 6] >> (place & 63) & 1) != 0;

    /// <summary>Puts zero where a token of text, or an end, may not come next.</summary>
    /// <param name="values">In the order of the places, at least text and ends.</param>
    /// <param name="textCount">Places of text.</param>
    /// <param name="endCount">Places behind them that end it.</param>
    public void Clear<T>(Span<T> values, int textCount, int endCount)
        where T : struct
    {
        for (int word = 0; word < valid.Length; word++)
        {
            ulong refused = ~valid[word];
            if ((word + 1) << 6 > textCount)
                refused &= (1UL << (textCount & 63)) - 1;
            while (refused != 0)
            {
                values[(word << 6) + BitOperations.TrailingZeroCount(refused)] = default;
                refused &= refused - 1;
            }
        }
        if (!ends)
            values.Slice(textCount, endCount).Clear();
    }
}
