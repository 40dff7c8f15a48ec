namespace Pipeline.Stages.NextBytes;

/// <summary>A run of text with its contexts and what a model says in them.</summary>
/// <param name="text">Its tokens and bytes.</param>
/// <param name="tree">Of the text.</param>
/// <param name="pool">Where sums come from.</param>
/// <param name="root">Where in its row of tokens the tree's root is.</param>
/// <param name="from">Bytes of the row's document before it.</param>
internal sealed class ScoredBytes(ByteText text, ByteTree tree, SumsPool pool, int root = 0, int from = 0)
{
    public ByteText Text => text;

    public ByteTree Tree => tree;

    public int Root => root;

    public int From => from;

    public ByteLaw Law { get; } = new(tree);

    /// <summary>Contexts that were computed, the trunk's among them.</summary>
    public int Contexts { get; private set; }

    /// <summary>
    /// Σ over the contexts left out of their weight as a share of the text's probability up to them: no row's distribution is off by more in
    /// total variation, and all rows together hardly by more.
    /// </summary>
    public double LostShare { get; set; }

    /// <summary>Adds a context; parents before their children.</summary>
    /// <param name="node">Of the tree.</param>
    /// <param name="p">[V] in the order of the places, proportional to the model's probabilities; changed.</param>
    /// <param name="vocabulary">Of the places.</param>
    public void Add(int node, Span<float> p, ByteVocabulary vocabulary)
    {
        List<int> children = tree.Nodes[node].Children;
        Span<double> edges = children.Count <= 16 ? stackalloc double[children.Count] : new double[children.Count];
        for (int i = 0; i < edges.Length; i++)
        {
            // What the text has is never impossible, however improbable: its weight must not become nothing.
            edges[i] = tree.Nodes[children[i]].Place is var place and >= 0 ? Math.Log(Math.Max(p[place], float.Epsilon)) : double.NegativeInfinity;
        }
        Law.Add(node, pool.Take().Make(p, tree, node, vocabulary), edges);
        Contexts++;
    }

    /// <summary>Gives back the memory of its law, which cannot be asked any more. Whoever does not leaves it to the collector.</summary>
    public void Release() => Law.Release(pool);

    /// <summary>Whether there is a condition after the first <paramref name="row"/> bytes of the text; see <see cref="Row"/>.</summary>
    public bool HasRow(int row) => text.Rows[row] >= tree.Nodes[0].Offset;

    /// <summary>
    /// p of the 257 symbols after the first <paramref name="row"/> bytes of the text; NaN where there is no condition: before the first token
    /// of a model without a first mark ends.
    /// </summary>
    public void Row(int row, Span<double> p)
    {
        if (HasRow(row))
            Law.Row(text.Rows[row], p);
        else
            p.Fill(double.NaN);
    }
}
