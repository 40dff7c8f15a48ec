namespace Pipeline.Stages.Embeddings;

/// <summary>
/// For every token of the new vocabulary the old token of minimal Levenshtein distance between their bytes (MinED). A quarter of
/// a million tokens on both sides: equal bytes by dictionary, the rest by scanning the lengths nearest first with a bound per pair.
/// </summary>
public static class MinedMapping
{
    /// <param name="source">The old vocabulary.</param>
    /// <param name="sourceRows">Rows of the old model's head: ids at or above it are no candidates.</param>
    /// <param name="target">The new vocabulary.</param>
    /// <param name="cancellation">Looked at once per token.</param>
    /// <returns>Per new id the old id (the smallest of the nearest length among equals) and the distance; -1 for ids that no token has.</returns>
    public static MinedEntry[] Of(VocabularyBytes source, int sourceRows, VocabularyBytes target, CancellationToken cancellation = default)
    {
        Bucket[] byLength = Buckets(source, sourceRows);
        var entries = new MinedEntry[target.Count];
        for (int id = 0; id < target.Count; id++)
        {
            cancellation.ThrowIfCancellationRequested();
            entries[id] = target.ClassOf(id) == TokenClass.None ? new MinedEntry(-1, 0) : Nearest(source, sourceRows, byLength, target, id);
        }
        return entries;
    }

    private static MinedEntry Nearest(VocabularyBytes source, int sourceRows, Bucket[] byLength, VocabularyBytes target, int id)
    {
        ReadOnlySpan<byte> token = target[id];
        bool mark = target.ClassOf(id) == TokenClass.Mark;
        int? same = mark ? source.MarkId(token) ?? source.TextId(token) : source.TextId(token) ?? source.MarkId(token);
        if (same < sourceRows)
            return new MinedEntry(same.Value, 0);

        ulong signature = EditDistance.Signature(token);
        var best = new MinedEntry(-1, int.MaxValue);
        // A difference in length is a lower bound too: lengths are scanned outward until it reaches the best distance.
        for (int apart = 0; apart < best.Distance && (token.Length - apart >= 0 || token.Length + apart < byLength.Length); apart++)
        {
            best = Scan(source, byLength, token, signature, token.Length - apart, best);
            if (apart > 0 && apart < best.Distance)
                best = Scan(source, byLength, token, signature, token.Length + apart, best);
        }
        return best;
    }

    private static MinedEntry Scan(VocabularyBytes source, Bucket[] byLength, ReadOnlySpan<byte> token, ulong signature, int length, MinedEntry best)
    {
        if (length < 0 || length >= byLength.Length)
            return best;
        Bucket bucket = byLength[length];
        for (int i = 0; i < bucket.Ids.Length; i++)
        {
            if (EditDistance.LowerBound(signature, bucket.Signatures[i]) >= best.Distance)
                continue;
            int distance = EditDistance.Below(token, source[bucket.Ids[i]], best.Distance);
            if (distance < best.Distance)
                best = new MinedEntry(bucket.Ids[i], distance);
        }
        return best;
    }

    private static Bucket[] Buckets(VocabularyBytes source, int sourceRows)
    {
        int[] ids = [.. Enumerable.Range(0, Math.Min(sourceRows, source.Count)).Where(id => source.ClassOf(id) != TokenClass.None)];
        int longest = ids.Max(id => source[id].Length);
        ILookup<int, int> byLength = ids.ToLookup(id => source[id].Length);
        return [.. Enumerable.Range(0, longest + 1).Select(length => new Bucket(
            [.. byLength[length]], [.. byLength[length].Select(id => EditDistance.Signature(source[id]))]))];
    }

    private sealed record Bucket(int[] Ids, ulong[] Signatures);
}

/// <summary>The nearest old token of a new one.</summary>
public readonly record struct MinedEntry(int SourceId, int Distance);
