namespace Pipeline.Stages.Evaluation;

/// <summary>Sequences put together by length, longest first, so that memory is known at the first batch and padding is small.</summary>
internal static class LengthBatches
{
    /// <summary>Batches of indexes of at most <paramref name="tokens"/> tokens with padding, or of one sequence. Shorter than two tokens: left out.</summary>
    public static IEnumerable<int[]> Of(int[] lengths, int tokens)
    {
        int[] order = [.. Enumerable.Range(0, lengths.Length).Where(i => lengths[i] >= 2).OrderByDescending(i => lengths[i])];
        for (int start = 0; start < order.Length;)
        {
            int rows = Math.Clamp(tokens / lengths[order[start]], 1, order.Length - start);
            yield return order[start..(start + rows)];
            start += rows;
        }
    }
}
