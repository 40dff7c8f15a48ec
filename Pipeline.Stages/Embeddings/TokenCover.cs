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
            // Merges act on neighbours: whether y stays whole behind u depends on the last token of u alone.
            ReadOnlySpan<byte> last = before.Count == 0 ? [] : side.Vocabulary[before[^1]];
            foreach (int y in side.InOrderStartingWith(w))
            {
                ReadOnlySpan<byte> bytes = side.Vocabulary[y];
                if (bytes.Length == w.Length)
                    continue;
                int length = last.Length + bytes.Length;
                if (text.Length < split + bytes.Length || text.Length < length)
                    text = new byte[Math.Max(split + bytes.Length, length) * 2];
                u.CopyTo(text);
                bytes.CopyTo(text.AsSpan(split));
                if (!Utf8.IsValid(text.AsSpan(0, split + bytes.Length)))
                    continue;
                IReadOnlyList<int> joined = side.Tokenize(text.AsSpan(split - last.Length, length));
                bool whole = before.Count == 0
                    ? joined.Count == 1 && joined[0] == y
                    : joined.Count == 2 && joined[0] == before[^1] && joined[1] == y;
                if (whole)
                    cover._massOf[Encoding.Latin1.GetString(bytes[w.Length..])] = side.Probabilities[y];
            }
        }
        return cover;
    }

    /// <summary>Mass of the continuations that <paramref name="other"/> lacks.</summary>
    public double MassWithout(TokenCover other) => _massOf.Where(entry => !other._massOf.ContainsKey(entry.Key)).Sum(entry => entry.Value);
}
