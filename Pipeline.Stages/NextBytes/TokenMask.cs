using System.Numerics;

namespace Pipeline.Stages.NextBytes;

/// <summary>Which tokens may come next, and whether the text may end. Immutable, and shared between contexts.</summary>
/// <param name="valid">One bit for each place of text, in words of 64.</param>
/// <param name="ends">Whether the text may end here.</param>
internal sealed class TokenMask(ulong[] valid, bool ends)
{
    public bool Ends => ends;

    /// <summary>A copy of the bits.</summary>
    public ulong[] Copy() => [.. valid];

    public bool this[int place] => (valid[place >> 6] >> (place & 63) & 1) != 0;

    /// <summary>Sets the value of every token that may not come next to zero.</summary>
    /// <param name="values">Values in the order of the places: at least those of text and of the ends.</param>
    /// <param name="textCount">See <see cref="ByteVocabulary.TextCount"/>.</param>
    /// <param name="endCount">See <see cref="ByteVocabulary.EndCount"/>.</param>
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
