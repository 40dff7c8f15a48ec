namespace Pipeline.Stages.Batching;

/// <summary>
/// Puts sequences of similar length into a batch, so that little of its [rows, length] rectangle is padding. The batches depend on nothing but the
/// lengths and the budget, so that every run makes the same ones. Byte-identical shards and bit-identical resumes rely on that.
/// </summary>
internal static class LengthBatches
{
    // One in this many positions may be padding. A batch that fills less than a sixteenth of the budget is not ended early to save padding.
    private const int PaddingShare = 20, SmallBatch = 16;

    /// <summary>
    /// Plans the batches. They are as full as the budget allows, as long as at most a twentieth of all positions is padding. Otherwise a batch also ends
    /// where one more sequence would make more than a twentieth of it padding, unless it is still small.
    /// </summary>
    /// <param name="lengths">The length of each sequence.</param>
    /// <param name="tokenBudget">
    /// The most positions of a batch, which are its rows times its longest row. A longer sequence makes a batch of its own.
    /// </param>
    /// <returns>For each batch the indices of its sequences, in ascending order of length. Equal lengths keep their order.</returns>
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
                // Lengths ascend, so that the newest sequence is the longest and sets the width of the whole batch.
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

    /// <summary>The number of positions in a batch, padding included.</summary>
    public static long PaddedTokens(IReadOnlyList<int> lengths, int[] batch) => (long)batch.Length * batch.Max(i => lengths[i]);
}
