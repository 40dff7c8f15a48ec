using System.Numerics;

namespace Pipeline.Stages.Embeddings;

/// <summary>Levenshtein distance of short byte strings, unit costs.</summary>
public static class EditDistance
{
    /// <summary>The exact distance when it is below <paramref name="limit"/>, else any number that is not.</summary>
    public static int Below(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, int limit)
    {
        if (Math.Abs(a.Length - b.Length) >= limit)
            return limit;
        if (a.Length > b.Length)
        {
            ReadOnlySpan<byte> shorter = b;
            b = a;
            a = shorter;
        }
        if (a.Length == 0)
            return b.Length;
        return a.Length <= 64 ? BitParallel(a, b) : Rows(a, b, limit);
    }

    /// <summary>A lower bound from which bytes occur: every edit removes at most one byte from each difference.</summary>
    public static int LowerBound(ulong signatureA, ulong signatureB)
        => Math.Max(BitOperations.PopCount(signatureA & ~signatureB), BitOperations.PopCount(signatureB & ~signatureA));

    /// <summary>One bit per byte value modulo 64: bytes that share a bit can only make the bound lower.</summary>
    public static ulong Signature(ReadOnlySpan<byte> bytes)
    {
        ulong signature = 0;
        foreach (byte b in bytes)
            signature |= 1UL << (b & 63);
        return signature;
    }

    // Myers (1999) in Hyyrö's form: one column of the table is two bit vectors of vertical differences.
    private static int BitParallel(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text)
    {
        Span<ulong> match = stackalloc ulong[256];
        match.Clear();
        for (int i = 0; i < pattern.Length; i++)
            match[pattern[i]] |= 1UL << i;
        ulong positive = ulong.MaxValue, negative = 0, last = 1UL << (pattern.Length - 1);
        int distance = pattern.Length;
        foreach (byte b in text)
        {
            ulong diagonal = (((match[b] & positive) + positive) ^ positive) | match[b] | negative;
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

    // The table row by row; given up when a whole row reaches the limit.
    private static int Rows(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, int limit)
    {
        var row = new int[a.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            row[i] = i;
        for (int j = 1; j <= b.Length; j++)
        {
            int diagonal = row[0], smallest = row[0] = j;
            for (int i = 1; i <= a.Length; i++)
            {
                int above = row[i];
                row[i] = Math.Min(Math.Min(row[i], row[i - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
                smallest = Math.Min(smallest, row[i]);
            }
            if (smallest >= limit)
                return limit;
        }
        return row[^1];
    }
}
