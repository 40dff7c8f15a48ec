using Pipeline.Stages.Models;

namespace Pipeline.Stages.Serving;

/// <summary>
/// Keeps the attention keys and values of earlier texts, for texts with the same beginning. The least recently used are dropped first. May only be used
/// on the device's thread.
/// </summary>
/// <param name="members">The models. In some the rotation of keys depends on the length of the text, and keys do not fit a text of another length.</param>
/// <param name="mostTokens">How many tokens all texts may have together.</param>
internal sealed class PrefixCache(IReadOnlyList<CausalLm> members, long mostTokens) : IDisposable
{
    /// <summary>The fewest tokens that are worth keeping. Fewer are computed sooner than copied.</summary>
    public const int LeastTokens = 16;

    private readonly LinkedList<PrefixEntry> _entries = [];

    /// <summary>How many tokens are kept.</summary>
    public long Tokens => _entries.Sum(entry => (long)entry.Ids.Length);

    /// <summary>The entry that has the longest beginning in common with a text, and how many tokens that is. Null where no entry has enough.</summary>
    /// <param name="ids">The tokens of the text.</param>
    /// <param name="top">Only entries whose tokens were scored, with at least this many of the most likely tokens listed. Null for any entry.</param>
    public (PrefixEntry Entry, int Common)? Find(int[] ids, int? top = null)
    {
        (PrefixEntry? best, int most) = (null, LeastTokens - 1);
        foreach (PrefixEntry entry in _entries)
        {
            if ((top is { } asked && (entry.Positions is null || entry.Top < asked)) || !Fits(entry, ids.Length))
                continue;
            int common = ids.AsSpan().CommonPrefixLength(entry.Ids);
            if (common > most)
                (best, most) = (entry, common);
        }
        if (best is null)
            return null;
        _entries.Remove(best);
        _entries.AddFirst(best);
        return (best, most);
    }

    /// <summary>Keeps a text.</summary>
    /// <param name="entry">The text. It becomes this object's, which may dispose of it at once.</param>
    public void Put(PrefixEntry entry)
    {
        if (entry.Ids.Length < LeastTokens || entry.Ids.Length > mostTokens)
        {
            entry.Dispose();
            return;
        }
        // An entry whose tokens and positions the new one has as well is no longer needed.
        foreach (PrefixEntry old in _entries.ToArray())
        {
            bool isCovered = entry.Ids.AsSpan().StartsWith(old.Ids) && (old.Positions is null || (entry.Positions is not null && entry.Top >= old.Top));
            if (isCovered)
                Remove(old);
        }
        _entries.AddFirst(entry);
        while (Tokens > mostTokens)
            Remove(_entries.Last!.Value);
    }

    public void Dispose()
    {
        foreach (PrefixEntry entry in _entries)
            entry.Dispose();
        _entries.Clear();
    }

    // The keys of a last token that was generated may not have been computed yet, so the text may be one token shorter.
    private bool Fits(PrefixEntry entry, int length)
        => members.All(m => m.Config.Rope.IsSame(entry.Ids.Length, length) && m.Config.Rope.IsSame(entry.Ids.Length - 1, length));

    private void Remove(PrefixEntry entry)
    {
        _entries.Remove(entry);
        entry.Dispose();
    }
}

/// <summary>An earlier text.</summary>
/// <param name="Ids">Its tokens.</param>
/// <param name="Keys">For each member, the keys and values of all tokens. Those of the last token may be missing.</param>
/// <param name="Positions">The scores of the tokens; null where they were not scored.</param>
/// <param name="Top">How many of the most likely tokens are listed at each of these positions.</param>
internal sealed record PrefixEntry(int[] Ids, KeyValueCache[] Keys, IReadOnlyList<ServedPosition>? Positions, int Top) : IDisposable
{
    /// <summary>The keys and values of the first tokens, for each member. The caller disposes of them, and may add to them.</summary>
    public KeyValueCache[] First(int tokens) => [.. Keys.Select(keys => keys.First(tokens))];

    public void Dispose()
    {
        foreach (KeyValueCache keys in Keys)
            keys.Dispose();
    }
}
