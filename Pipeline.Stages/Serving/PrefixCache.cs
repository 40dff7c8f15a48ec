using Pipeline.Stages.Models;

namespace Pipeline.Stages.Serving;

/// <summary>
/// Keys and values of texts served before, for texts with the same beginning. The least recently used are dropped first. Belongs to the device's thread. M
/// members.
/// </summary>
/// <param name="members">Whose keys: they are rotated, by some for the length of their text, and fit no text of another length then.</param>
/// <param name="mostTokens">Of all together.</param>
internal sealed class PrefixCache(IReadOnlyList<CausalLm> members, long mostTokens) : IDisposable
{
    /// <summary>Fewer tokens are sooner computed than copied.</summary>
    public const int LeastTokens = 16;

    private readonly LinkedList<PrefixEntry> _entries = [];

    /// <summary>Tokens held.</summary>
    public long Tokens => _entries.Sum(entry => (long)entry.Ids.Length);

    /// <summary>The entry that begins with most of the ids, and how many; null where none has enough of them.</summary>
    /// <param name="ids">Of a new text.</param>
    /// <param name="top">Only entries that know the positions of their tokens with this many listed; null: any.</param>
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
    /// <param name="entry">Becomes this object's.</param>
    public void Put(PrefixEntry entry)
    {
        if (entry.Ids.Length < LeastTokens || entry.Ids.Length > mostTokens)
        {
            entry.Dispose();
            return;
        }
        // What the new one also covers is no longer needed.
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

    // A last token that was generated may not have been computed yet.
    private bool Fits(PrefixEntry entry, int length)
        => members.All(m => m.Config.Rope.IsSame(entry.Ids.Length, length) && m.Config.Rope.IsSame(entry.Ids.Length - 1, length));

    private void Remove(PrefixEntry entry)
    {
        _entries.Remove(entry);
        entry.Dispose();
    }
}

/// <summary>A text served before.</summary>
/// <param name="Ids">Its tokens.</param>
/// <param name="Keys">Per member the keys of all tokens, those of the last there or not.</param>
/// <param name="Positions">Of its tokens; null where they were not scored.</param>
/// <param name="Top">How many of the most likely tokens these list.</param>
internal sealed record PrefixEntry(int[] Ids, KeyValueCache[] Keys, IReadOnlyList<ServedPosition>? Positions, int Top) : IDisposable
{
    /// <summary>The keys of the first tokens; the caller disposes them, and may add to them.</summary>
    public KeyValueCache[] First(int tokens) => [.. Keys.Select(keys => keys.First(tokens))];

    public void Dispose()
    {
        foreach (KeyValueCache keys in Keys)
            keys.Dispose();
    }
}
