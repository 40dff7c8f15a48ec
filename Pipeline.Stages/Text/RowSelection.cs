using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Text;

/// <summary>Says which rows a graph reads, where the rows of all files are counted one after the other.</summary>
internal static class RowSelection
{
    /// <summary>
    /// Selects rows [First, End) of <paramref name="total"/>. These are R rows after <paramref name="skip"/>, at most <paramref name="maximum"/> of them (0 for
    /// all). They are cut into equal parts: part k of n has the rows [k R/n, (k+1) R/n).
    /// </summary>
    public static (long First, long End) Select(long total, long skip, long maximum, Partition? partition)
    {
        long first = Math.Min(skip, total);
        long rows = maximum == 0 ? total - first : Math.Min(maximum, total - first);
        if (partition is not { } part)
            return (first, first + rows);
        return (first + Cut(rows, part.Index, part.Count), first + Cut(rows, part.Index + 1, part.Count));
    }

    // This is k R / n, without a product that could exceed 64 bits.
    private static long Cut(long rows, int index, int count) => (rows / count * index) + (rows % count * index / count);
}
