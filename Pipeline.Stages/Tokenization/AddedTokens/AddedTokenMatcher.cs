using System.Buffers;
using System.Text;
using Pipeline.Stages.Tokenization.Patterns;

namespace Pipeline.Stages.Tokenization.AddedTokens;

/// <summary>A part of a text: an added token, or, with id -1, the text between two of them. Start and end are in UTF-16 units.</summary>
internal readonly record struct AddedSpan(int Id, int Start, int End);

/// <summary>
/// Cuts added tokens out of a text. The leftmost match comes first, of several at one place the longest, and matches do not overlap. Then each takes the
/// white space that it may. Odd cases follow Hugging Face's crate too: a match that single_word discards is not searched again, and white space
/// that one token took can be given to the next one as well.
/// </summary>
internal sealed class AddedTokenMatcher
{
    private readonly SearchValues<char> _firsts;

    // A trie, from (node, character) to node. The root is node 0.
    private readonly Dictionary<long, int> _children = [];
    private readonly List<AddedToken?> _tokens = [null];

    /// <param name="patterns">The texts to search for, each with the token that it becomes.</param>
    public AddedTokenMatcher(IEnumerable<(string Pattern, AddedToken Token)> patterns)
    {
        var firsts = new HashSet<char>();
        foreach ((string pattern, AddedToken token) in patterns)
        {
            if (pattern.Length == 0)
                continue;
            firsts.Add(pattern[0]);
            int node = 0;
            foreach (char c in pattern)
            {
                long key = Key(node, c);
                if (!_children.TryGetValue(key, out int child))
                {
                    _children[key] = child = _tokens.Count;
                    _tokens.Add(null);
                }
                node = child;
            }
            _tokens[node] = token;
        }
        _firsts = SearchValues.Create([.. firsts]);
    }

    /// <summary>Whether there is nothing to search for.</summary>
    public bool IsEmpty => _tokens.Count == 1;

    /// <summary>Appends the parts of the text, in order. Together they cover it.</summary>
    public void Split(ReadOnlySpan<char> text, List<AddedSpan> spans)
    {
        int done = 0;
        int at = 0;
        while (!IsEmpty && FindNext(text, at, out int start, out int end) is { } token)
        {
            at = end;
            if (token.SingleWord && (EndsWithWord(text[..start]) || StartsWithWord(text[end..])))
                continue;
            if (token.LeftStrip)
                start = Math.Max(text[..start].TrimEnd().Length, done);
            if (token.RightStrip)
                end += text.Length - end - text[end..].TrimStart().Length;
            if (done < start)
                spans.Add(new AddedSpan(-1, done, start));
            spans.Add(new AddedSpan(token.Id, start, end));
            done = end;
        }
        if (done != text.Length)
            spans.Add(new AddedSpan(-1, done, text.Length));
    }

    private AddedToken? FindNext(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        for (start = from; start < text.Length; start++)
        {
            int skip = text[start..].IndexOfAny(_firsts);
            if (skip < 0)
                break;
            start += skip;
            AddedToken? longest = null;
            end = start;
            int node = 0;
            for (int i = start; i < text.Length && _children.TryGetValue(Key(node, text[i]), out node); i++)
            {
                if (_tokens[node] is { } token)
                    (longest, end) = (token, i + 1);
            }
            if (longest is not null)
                return longest;
        }
        end = start;
        return null;
    }

    private static long Key(int node, char c) => ((long)node << 16) | c;

    private static bool EndsWithWord(ReadOnlySpan<char> text)
        => Rune.DecodeLastFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && CharacterSets.PlainWord.Contains(rune.Value);

    private static bool StartsWithWord(ReadOnlySpan<char> text)
        => Rune.DecodeFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && CharacterSets.PlainWord.Contains(rune.Value);
}
