namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Finds, for every token of the new vocabulary, the old token with the smallest Levenshtein distance between their bytes (MinED). It is made for a
/// quarter of a million tokens on either side: equal bytes are found in a dictionary, and otherwise old tokens are searched by length, nearest first,
/// with a cheap lower bound for each pair.
/// </summary>
internal sealed class MinedMapping
{
    private readonly VocabularyBytes _source;
    private readonly int _sourceRows;
    private readonly Bucket[] _byLength;
    private readonly EditPattern _pattern = new();

    private MinedMapping(VocabularyBytes source, int sourceRows)
    {
        _source = source;
        _sourceRows = sourceRows;
        int[] ids = [.. Enumerable.Range(0, Math.Min(sourceRows, source.Count)).Where(id => source.ClassOf(id) != TokenClass.None)];
        if (ids.Length == 0)
            throw new InvalidOperationException("the old vocabulary has no tokens");
        ILookup<int, int> byLength = ids.ToLookup(id => source[id].Length);
        _byLength = [.. Enumerable.Range(0, byLength.Max(g => g.Key) + 1).Select(length => new Bucket(
            [.. byLength[length]], [.. byLength[length].Select(id => EditPattern.SignatureOf(source[id]))]))];
    }

    /// <summary>The nearest old token of every new id, one at a time.</summary>
    /// <param name="source">The old vocabulary.</param>
    /// <param name="sourceRows">The number of rows of the old model's head. Ids from this number on are not candidates.</param>
    /// <param name="target">The new vocabulary.</param>
    /// <returns>
    /// For each new id, the old id and the distance. Of equally near tokens, the one nearest in length comes first, then the shorter one, then the
    /// smaller id. For ids without a token, the old id is -1.
    /// </returns>
    public static IEnumerable<MinedEntry> Each(VocabularyBytes source, int sourceRows, VocabularyBytes target)
    {
        var mapping = new MinedMapping(source, sourceRows);
        for (int id = 0; id < target.Count; id++)
            yield return target.ClassOf(id) == TokenClass.None ? new MinedEntry(-1, 0) : mapping.Nearest(target, id);
    }

    public static MinedEntry[] Of(VocabularyBytes source, int sourceRows, VocabularyBytes target) => [.. Each(source, sourceRows, target)];

    private MinedEntry Nearest(VocabularyBytes target, int id)
    {
        ReadOnlySpan<byte> token = target[id];
        bool mark = target.ClassOf(id) == TokenClass.Mark;
        int? same = mark ? _source.MarkId(token) ?? _source.TextId(token) : _source.TextId(token) ?? _source.MarkId(token);
        if (same < _sourceRows)
            return new MinedEntry(same.Value, 0);

        _pattern.Set(token);
        var best = new MinedEntry(-1, int.MaxValue);
        // The difference in length is a lower bound of the distance too. Lengths are searched outward until it reaches the best distance so far.
        for (int difference = 0; difference < best.Distance && (token.Length - difference >= 0 || token.Length + difference < _byLength.Length); difference++)
        {
            best = Scan(token.Length - difference, best);
            if (difference > 0 && difference < best.Distance)
                best = Scan(token.Length + difference, best);
        }
        return best;
    }

    private MinedEntry Scan(int length, MinedEntry best)
    {
        if (length < 0 || length >= _byLength.Length)
            return best;
        Bucket bucket = _byLength[length];
        for (int i = 0; i < bucket.Ids.Length; i++)
        {
            if (_pattern.LowerBound(bucket.Signatures[i]) >= best.Distance)
                continue;
            int distance = _pattern.Below(_source[bucket.Ids[i]], best.Distance);
            if (distance < best.Distance)
                best = new MinedEntry(bucket.Ids[i], distance);
        }
        return best;
    }

    private sealed record Bucket(int[] Ids, ulong[] Signatures);
}

/// <summary>The nearest old token of a new one, and the Levenshtein distance in bytes. SourceId is -1 where there is no token.</summary>
internal readonly record struct MinedEntry(int SourceId, int Distance);
