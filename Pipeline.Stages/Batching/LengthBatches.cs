namespace Pipeline.Stages.Batching;

/// <summary>
/// Puts sequences of like length together so that little of a padded [rows, length] rectangle is padding. A pure function of the
/// lengths: the same window gives the same batches on every run, which byte-identical shards and bit-identical resumes rest on.
/// </summary>
public static class LengthBatches
{
    /// <summary>
    /// Indices of <paramref name="lengths"/> in batches, shortest first, ties in input order; rows times the longest row is at most
    /// <paramref name="tokenBudget"/>, save that a single sequence above it makes a batch of its own.
    /// </summary>
    public static IReadOnlyList<int[]> Plan(IReadOnlyList<int> lengths, int tokenBudget)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokenBudget, 1);
        int[] order = [.. Enumerable.Range(0, lengths.Count).OrderBy(i => lengths[i]).ThenBy(i => i)];
        var batches = new List<int[]>();
        int start = 0;
        for (int i = 1; i <= order.Length; i++)
        {
            // Ascending order: the newest sequence is the longest, so it sets the width of the whole batch.
            bool full = i == order.Length || (long)(i - start + 1) * lengths[order[i]] > tokenBudget;
            if (!full) continue;
            batches.Add(order[start..i]);
            start = i;
        }
        return batches;
    }

    /// <summary>Cells of the padded rectangle of a batch, padding included.</summary>
    public static long PaddedTokens(IReadOnlyList<int> lengths, int[] batch) => (long)batch.Length * batch.Max(i => lengths[i]);
}
