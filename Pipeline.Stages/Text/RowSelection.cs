using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Text;

/// <summary>Which rows of the files, counted one after another, a graph reads.</summary>
internal static class RowSelection
{
    /// <summary>
    /// Rows [first, end) of <paramref name="total"/>: those left by <paramref name="skip"/> and <paramref name="maximum"/> (0 takes all),
    /// cut into equal runs, of which part k of n has [k R/n, (k+1) R/n).
    /// </summary>
    public static (long First, long End) Select(long total, long skip, long maximum, Partition? partition)
    {
        long first = Math.Min(skip, total);
        long rows = maximum == 0 ? total - first : Math.Min(maximum, total - first);
        if (partition is not { } part)
            return (first, first + rows);
        return (first + Cut(rows, part.Index, part.Count), first + Cut(rows, part.Index + 1, part.Count));
    }

    // k R / n without the product leaving 64 bits.
    private static long Cut(long rows, int index, int count) => (rows / count * index) + (rows % count * index / count);
}
