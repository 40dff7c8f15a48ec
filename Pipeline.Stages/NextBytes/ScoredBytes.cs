namespace Pipeline.Stages.NextBytes;

/// <summary>A text with its contexts and what a model says in them.</summary>
internal sealed class ScoredBytes(ByteText text, ByteTree tree)
{
    public ByteText Text => text;

    public ByteTree Tree => tree;

    public ByteLaw Law { get; } = new(tree);

    /// <summary>Contexts that were computed, the trunk's among them.</summary>
    public int Contexts { get; private set; }

    /// <summary>
    /// Σ over the contexts left out of their weight as a share of the text's probability up to them: no row's distribution is off by more in
    /// total variation, and all rows together hardly by more.
    /// </summary>
    public double LostShare { get; set; }

    /// <summary>Adds a context.</summary>
    /// <param name="node">Of the tree.</param>
    /// <param name="logP">[V] in the order of the places.</param>
    /// <param name="p">Their exponentials; changed.</param>
    /// <param name="vocabulary">Of the places.</param>
    public void Add(int node, ReadOnlySpan<double> logP, Span<double> p, ByteVocabulary vocabulary)
    {
        List<int> children = tree.Nodes[node].Children;
        Span<double> edges = new double[children.Count];
        for (int i = 0; i < edges.Length; i++)
            edges[i] = tree.Nodes[children[i]].Place is var place and >= 0 ? logP[place] : double.NegativeInfinity;
        Law.Add(node, NodeSums.Of(p, tree, node, vocabulary), edges);
        Contexts++;
    }

    /// <summary>
    /// p of the 257 symbols after the first <paramref name="row"/> bytes of the text; NaN where there is no condition: before the first token
    /// of a model without a first mark ends.
    /// </summary>
    public void Row(int row, Span<double> p)
    {
        if (text.Rows[row] < tree.Nodes[0].Offset)
            p.Fill(double.NaN);
        else
            Law.Row(text.Rows[row], p);
    }
}
