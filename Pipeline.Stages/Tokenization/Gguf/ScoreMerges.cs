using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Tokenization.Gguf;

/// <summary>
/// Turns the scores of SentencePiece's BPE into merges. SentencePiece merges the pair of neighbours whose union has the best score. With one score for each
/// token, this is the same as following a list of merges: all pairs of tokens that make a token, by falling score (Kudo and Richardson 2018, and its
/// source).
/// </summary>
internal static class ScoreMerges
{
    /// <summary>
    /// Longer tokens are refused. Each place to cut a token is looked up, so the work grows with the square of its length, and no vocabulary needs longer ones.
    /// </summary>
    private const int LongestToken = 1024;

    /// <param name="tokens">The tokens, by id.</param>
    /// <param name="takesPart">Whether a token may be part of a merge or its result.</param>
    /// <param name="scores">[tokens] their scores, by id.</param>
    /// <param name="refuse">Makes the error for a vocabulary whose scores leave the order open.</param>
    /// <returns>The merges as pairs of ids, by rank.</returns>
    public static List<(int Left, int Right)> Of(IReadOnlyList<string> tokens, Func<int, bool> takesPart, IReadOnlyList<double> scores, Func<string, InputException> refuse)
    {
        Dictionary<string, int> ids = new(StringComparer.Ordinal);
        for (int id = 0; id < tokens.Count; id++)
        {
            if (takesPart(id) && !ids.TryAdd(tokens[id], id))
                throw refuse($"token '{tokens[id]}' occurs twice, as {ids[tokens[id]]} and {id}");
        }
        var lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        List<(double Score, int Whole, int Left, int Right)> pairs = [];
        foreach ((string token, int id) in ids)
        {
            if (token.Length > LongestToken)
                throw refuse($"token {id} has {token.Length} characters, expected at most {LongestToken}");
            for (int cut = 1; cut < token.Length; cut++)
            {
                if (!char.IsLowSurrogate(token[cut]) && lookup.TryGetValue(token.AsSpan(0, cut), out int left) && lookup.TryGetValue(token.AsSpan(cut), out int right))
                    pairs.Add((scores[id], id, left, right));
            }
        }
        pairs.Sort((a, b) => b.Score != a.Score ? b.Score.CompareTo(a.Score) : a.Left != b.Left ? a.Left.CompareTo(b.Left) : a.Right.CompareTo(b.Right));
        for (int i = 1; i < pairs.Count; i++)
        {
            if (pairs[i].Score == pairs[i - 1].Score && pairs[i].Whole != pairs[i - 1].Whole)
                throw refuse($"tokens '{tokens[pairs[i - 1].Whole]}' and '{tokens[pairs[i].Whole]}' have the same score, so which of them is merged first depends on their position");
        }
        return [.. pairs.Select(p => (p.Left, p.Right))];
    }
}
