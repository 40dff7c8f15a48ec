using System.Text;
using System.Text.Unicode;

namespace Pipeline.Stages.Embeddings;

/// <summary>The continuations that are impossible after a token: texts that the tokenizer would have joined with its end.</summary>
internal sealed class TokenCover
{
    private readonly Dictionary<string, double> _massOf = [];

    /// <summary>
    /// For every split x = u + w and every token y that starts with w, such that u + y is tokenized as u and then y: the text of y
    /// beyond x. Its mass is y's unigram probability; of several ways to the same text the last found counts, splits with a
    /// short w first, ids in order.
    /// </summary>
    public static TokenCover Of(BiasSide side, ReadOnlySpan<byte> token)
    {
        var cover = new TokenCover();
        var text = new byte[256];
        for (int split = token.Length - 1; split >= 0; split--)
        {
            ReadOnlySpan<byte> u = token[..split], w = token[split..];
            if (!Utf8.IsValid(u))
                continue;
            IReadOnlyList<int> before = side.Tokenize(u);
            (int first, int tail) = Tail(side, before);
            foreach (int y in side.InOrderStartingWith(w))
            {
                ReadOnlySpan<byte> bytes = side.Vocabulary[y];
                if (bytes.Length == w.Length)
                    continue;
                if (text.Length < split + bytes.Length)
                    text = new byte[(split + bytes.Length) * 2];
                u.CopyTo(text);
                bytes.CopyTo(text.AsSpan(split));
                if (!Utf8.IsValid(text.AsSpan(0, split + bytes.Length)))
                    continue;
                IReadOnlyList<int> joined = side.Tokenize(text.AsSpan(split - tail, tail + bytes.Length));
                if (IsWhole(joined, before, first, y))
                    cover._massOf[Encoding.Latin1.GetString(bytes[w.Length..])] = side.Probabilities[y];
            }
        }
        return cover;
    }

    // Merges act on neighbours: whether y stays whole after u depends only on u's last token, or on the last few where these make up
    // one character, because a tokenizer's input is text.
    private static (int First, int Bytes) Tail(BiasSide side, IReadOnlyList<int> ids)
    {
        int first = ids.Count, bytes = 0;
        while (first > 0)
        {
            ReadOnlySpan<byte> token = side.Vocabulary[ids[--first]];
            bytes += token.Length;
            if ((token[0] & 0xC0) != 0x80)
                break;
        }
        return (first, bytes);
    }

    private static bool IsWhole(IReadOnlyList<int> joined, IReadOnlyList<int> before, int first, int last)
    {
        int tail = before.Count - first;
        if (joined.Count != tail + 1 || joined[^1] != last)
            return false;
        for (int i = 0; i < tail; i++)
        {
            if (joined[i] != before[first + i])
                return false;
        }
        return true;
    }

    /// <summary>Mass of the continuations that <paramref name="other"/> lacks.</summary>
    public double MassWithout(TokenCover other) => _massOf.Where(entry => !other._massOf.ContainsKey(entry.Key)).Sum(entry => entry.Value);
}
