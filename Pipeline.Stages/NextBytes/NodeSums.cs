using System.Numerics;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// What one context says of the bytes behind it: for each offset from its own on, as long as the text's bytes are the beginning of some token,
/// the probability of the text's bytes up to there and each symbol next.
/// </summary>
/// <param name="Starts">[offsets + 1] where each offset's entries begin.</param>
/// <param name="Symbols">A byte, or <see cref="ByteVocabulary.End"/>.</param>
/// <param name="Values">Probabilities, renormalised over what may follow.</param>
/// <param name="LogValid">Log of the model's probability of all that may follow, or of what it was given in its place.</param>
internal sealed record NodeSums(int[] Starts, short[] Symbols, double[] Values, double LogValid)
{
    [ThreadStatic]
    private static SymbolSums? _scratch;

    /// <summary>Offsets it speaks of, its own the first.</summary>
    public int Offsets => Starts.Length - 1;

    /// <summary>
    /// Sums a distribution over a vocabulary into bytes: a token counts at each of its own bytes that the text has.
    /// </summary>
    /// <param name="p">In the order of the places, no need to sum to 1; zero is put where something must not follow.</param>
    /// <param name="tree">Of the text.</param>
    /// <param name="node">The context.</param>
    /// <param name="vocabulary">Of the places.</param>
    public static NodeSums Of<T>(Span<T> p, ByteTree tree, int node, ByteVocabulary vocabulary)
        where T : unmanaged, INumber<T>
    {
        List<int> children = tree.Nodes[node].Children;
        // The tree's own edges are valid whatever the mask says: the tokenizer made them.
        Span<T> edges = children.Count <= 16 ? stackalloc T[children.Count] : new T[children.Count];
        for (int i = 0; i < edges.Length; i++)
            edges[i] = tree.Nodes[children[i]].Place is var place and >= 0 ? p[place] : T.Zero;
        tree.MaskOf(node).Clear(p, vocabulary.TextCount, vocabulary.EndCount);
        foreach (int place in tree.ForbiddenAfter(node))
            p[place] = T.Zero;
        for (int i = 0; i < edges.Length; i++)
        {
            if (tree.Nodes[children[i]].Place is var place && place >= 0 && place < vocabulary.TextCount)
                p[place] = edges[i];
        }
        SymbolSums sums = _scratch ??= new SymbolSums();
        sums.Begin();
        sums.First<T>(p, vocabulary);
        ReadOnlySpan<byte> ahead = tree.Bytes[tree.Nodes[node].Offset..];
        PlaceRange range = vocabulary.All;
        List<(byte[] Content, double Value)>? marks = null;
        for (int i = 0; i < edges.Length; i++)
        {
            // A special token that the text itself has.
            if (tree.Nodes[children[i]] is var child && child.Place >= vocabulary.TextCount)
                (marks ??= []).Add((vocabulary.Tokenizer.ByteView(child.Id).ToArray(), double.CreateChecked(edges[i])));
        }
        for (int depth = 0; ; depth++)
        {
            if (depth > 0)
                sums.Deeper<T>(p, vocabulary, range, depth);
            bool marked = false;
            foreach ((byte[] content, double value) in marks ?? [])
            {
                if (depth < content.Length)
                {
                    sums.Add(content[depth], value);
                    marked = true;
                }
            }
            sums.EndOffset();
            if (depth >= ahead.Length)
                break;
            range = vocabulary.Narrow(range, depth, ahead[depth]);
            if (range.IsEmpty && !marked)
                break;
        }
        return sums.Normalised();
    }
}
