namespace Pipeline.Stages.Batching;

/// <summary>
/// Puts sequences of similar length together so that little of a padded [rows, length] rectangle is padding. A pure function of the
/// lengths: the same window gives the same batches on every run, which byte-identical shards and bit-identical resumes rest on.
/// </summary>
internal static class LengthBatches
{
    // Positions of a window that may be padding: a twentieth. A batch below a sixteenth of the budget is not cut any finer for it.
    private const int PaddingShare = 20, SmallBatch = 16;

    /// <summary>
    /// Indices of <paramref name="lengths"/> in batches, shortest first, ties in input order; rows times the longest row is at most
    /// <paramref name="tokenBudget"/>, save that a single sequence above it makes a batch of its own. Batches are as full as they can be,
    /// unless a twentieth of the window would be padding: then those end earlier that are padded more than that.
    /// </summary>
    public static IReadOnlyList<int[]> Plan(IReadOnlyList<int> lengths, int tokenBudget)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokenBudget, 1);
        int[] order = [.. Enumerable.Range(0, lengths.Count).OrderBy(i => lengths[i]).ThenBy(i => i)];
        List<int[]> full = Cut(lengths, order, tokenBudget, finer: false);
        long tokens = lengths.Sum(length => (long)length), cells = full.Sum(batch => PaddedTokens(lengths, batch));
        return (cells - tokens) * PaddingShare <= cells ? full : Cut(lengths, order, tokenBudget, finer: true);
    }

    private static List<int[]> Cut(IReadOnlyList<int> lengths, int[] order, int tokenBudget, bool finer)
    {
        var batches = new List<int[]>();
        int start = 0;
        long tokens = 0;
        for (int i = 0; i <= order.Length; i++)
        {
            bool ends = i == order.Length;
            if (!ends && i > start)
            {
                // Ascending order: the newest sequence is the longest, so it sets the width of the whole batch.
                long width = lengths[order[i]], before = (long)(i - start) * lengths[order[i - 1]], cells = (i - start + 1) * width;
                ends = cells > tokenBudget || (finer && before * SmallBatch >= tokenBudget && (cells - tokens - width) * PaddingShare > cells);
            }

            if (ends && i > start)
            {
                batches.Add(order[start..i]);
                (start, tokens) = (i, 0);
            }

            if (i < order.Length)
                tokens += lengths[order[i]];
        }
        return batches;
    }

    /// <summary>Cells of the padded rectangle of a batch, padding included.</summary>
    public static long PaddedTokens(IReadOnlyList<int> lengths, int[] batch) => (long)batch.Length * batch.Max(i => lengths[i]);
}
