using System.Text;
using System.Text.Unicode;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// The continuations that a token rules out. After a token x, the text cannot go on in a way that the tokenizer would have joined with the end of x.
/// </summary>
internal sealed class TokenCover
{
    private readonly Dictionary<string, double> _massOf = [];

    /// <summary>
    /// Collects, for every split x = u + w and every longer token y that begins with w, the part of y that goes beyond x, provided that the tokenizer
    /// cuts u + y into the tokens of u and then y. The mass of this continuation is the unigram probability of y. If several ways lead to the same
    /// continuation, the last one found counts: splits with a short w come first, and ids come in order.
    /// </summary>
    /// <param name="side">The tokenizer that x belongs to.</param>
    /// <param name="token">The bytes of x.</param>
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

    // Merges act on neighbours, so whether y stays whole depends only on the last token of u. Where that token begins inside a character, the tokens
    // before it are needed too, because the input of a tokenizer must be valid text.
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

    /// <summary>The summed mass of the continuations that are ruled out here and not by <paramref name="other"/>.</summary>
    public double MassWithout(TokenCover other) => _massOf.Where(entry => !other._massOf.ContainsKey(entry.Key)).Sum(entry => entry.Value);
}
