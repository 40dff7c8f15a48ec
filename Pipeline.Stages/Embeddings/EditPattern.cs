using System.Numerics;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Levenshtein distances with unit costs from one byte string, the pattern, to many others. The bit vectors of the pattern are computed once. Not
/// thread-safe.
/// </summary>
internal sealed class EditPattern
{
    private const int Bits = 64;
    private readonly ulong[] _match = new ulong[256];
    private byte[] _pattern = [];

    public ulong Signature { get; private set; }

    public void Set(ReadOnlySpan<byte> pattern)
    {
        foreach (byte b in _pattern)
            _match[b] = 0;
        _pattern = pattern.ToArray();
        Signature = SignatureOf(pattern);
        for (int i = 0; i < Math.Min(Bits, pattern.Length); i++)
            _match[pattern[i]] |= 1UL << i;
    }

    /// <summary>A set of bytes in 64 bits: one bit for each byte value modulo 64. Values that share a bit can only make the bound lower.</summary>
    public static ulong SignatureOf(ReadOnlySpan<byte> bytes)
    {
        ulong signature = 0;
        foreach (byte b in bytes)
            signature |= 1UL << (b & 63);
        return signature;
    }

    /// <summary>
    /// A lower bound of the distance, from the bytes that occur in only one of the strings. One edit can remove at most one byte from either of these
    /// two sets.
    /// </summary>
    public int LowerBound(ulong signature)
        => Math.Max(BitOperations.PopCount(Signature & ~signature), BitOperations.PopCount(signature & ~Signature));

    /// <summary>The exact distance if it is below <paramref name="limit"/>; otherwise any number that is not below it.</summary>
    public int Below(ReadOnlySpan<byte> text, int limit)
    {
        if (Math.Abs(_pattern.Length - text.Length) >= limit)
            return limit;
        if (_pattern.Length == 0 || text.Length == 0)
            return Math.Max(_pattern.Length, text.Length);
        return _pattern.Length <= Bits ? BitParallel(text) : Rows(text, limit);
    }

    // Myers (1999) in Hyyrö's form. One column of the table is two bit vectors, of the increases and the decreases down the column.
    private int BitParallel(ReadOnlySpan<byte> text)
    {
        ulong positive = ulong.MaxValue, negative = 0, last = 1UL << (_pattern.Length - 1);
        int distance = _pattern.Length;
        foreach (byte b in text)
        {
            ulong match = _match[b];
            ulong diagonal = (((match & positive) + positive) ^ positive) | match | negative;
            ulong up = negative | ~(diagonal | positive), down = positive & diagonal;
            if ((up & last) != 0)
                distance++;
            else if ((down & last) != 0)
                distance--;
            up = (up << 1) | 1;
            down <<= 1;
            positive = down | ~(diagonal | up);
            negative = up & diagonal;
        }
        return distance;
    }

    // The table row by row. It is given up when all of a row has reached the limit.
    private int Rows(ReadOnlySpan<byte> text, int limit)
    {
        var row = new int[text.Length + 1];
        for (int i = 0; i <= text.Length; i++)
            row[i] = i;
        for (int j = 1; j <= _pattern.Length; j++)
        {
            int diagonal = row[0], smallest = row[0] = j;
            for (int i = 1; i <= text.Length; i++)
            {
                int above = row[i];
                row[i] = Math.Min(Math.Min(row[i], row[i - 1]) + 1, diagonal + (text[i - 1] == _pattern[j - 1] ? 0 : 1));
                diagonal = above;
                smallest = Math.Min(smallest, row[i]);
            }
            if (smallest >= limit)
                return limit;
        }
        return row[^1];
    }
}
