namespace Pipeline.Stages.NextBytes;

/// <summary>A run of text with its contexts, and what a model says in them.</summary>
/// <param name="text">The run's tokens and bytes.</param>
/// <param name="tree">The tree of the text.</param>
/// <param name="pool">Provides the memory for sums.</param>
/// <param name="root">The index of the tree's root in its row of tokens.</param>
/// <param name="from">How many bytes of the row's document come before the run.</param>
internal sealed class ScoredBytes(ByteText text, ByteTree tree, SumsPool pool, int root = 0, int from = 0)
{
    public ByteText Text => text;

    public ByteTree Tree => tree;

    public int Root => root;

    public int From => from;

    /// <summary>The distribution over the next byte at each offset of <see cref="ByteText.Bytes"/>, from the contexts added so far.</summary>
    public ByteLaw Law { get; } = new(tree);

    /// <summary>How many contexts have been added, the trunk's included.</summary>
    public int Contexts { get; private set; }

    /// <summary>
    /// The sum, over the contexts that were left out, of each one's weight as a share of the text's probability up to it. No row's distribution is
    /// off by more than this in total variation.
    /// </summary>
    public double LostShare { get; set; }

    /// <summary>Adds a context. Parents must come before their children.</summary>
    /// <param name="node">The context's node in the tree.</param>
    /// <param name="p">[V] numbers proportional to the model's probabilities, in the order of the places. They are changed.</param>
    /// <param name="vocabulary">The vocabulary that gives the places.</param>
    public void Add(int node, Span<float> p, ByteVocabulary vocabulary)
    {
        List<int> children = tree.Nodes[node].Children;
        Span<double> edges = children.Count <= 16 ? stackalloc double[children.Count] : new double[children.Count];
        for (int i = 0; i < edges.Length; i++)
        {
            // The text did go on this way. A probability that has underflowed to 0 must not take all the weight of what follows.
            edges[i] = tree.Nodes[children[i]].Place is var place and >= 0 ? Math.Log(Math.Max(p[place], float.Epsilon)) : double.NegativeInfinity;
        }
        Law.Add(node, pool.Take().Make(p, tree, node, vocabulary), edges);
        Contexts++;
    }

    /// <summary>Gives the memory of <see cref="Law"/> back to the pool; the law cannot be asked after this. Calling it is optional.</summary>
    public void Release() => Law.Release(pool);

    /// <summary>Whether there is a distribution after the first <paramref name="row"/> bytes of the text; see <see cref="Row"/>.</summary>
    public bool HasRow(int row) => text.Rows[row] >= tree.Nodes[0].Offset;

    /// <summary>The distribution over the next byte after the first <paramref name="row"/> bytes of the text.</summary>
    /// <param name="row">An index of <see cref="ByteText.Rows"/>.</param>
    /// <param name="p">
    /// [257], filled with the probabilities of the bytes and the end. Without a token in front of the text they are NaN until its first token ends,
    /// because everything is conditioned on that token.
    /// </param>
    public void Row(int row, Span<double> p)
    {
        if (HasRow(row))
            Law.Row(text.Rows[row], p);
        else
            p.Fill(double.NaN);
    }
}
