namespace Pipeline.Stages.NextBytes;

/// <summary>
/// The distribution over the next byte after each beginning of a text ("Exact next bytes" in docs/method.md). W(n) is the product of the
/// renormalized probabilities q along the path to node n. Then P(B[:k] x) = Σ W(n) · Σ q(v | n), over the nodes n at offsets j ≤ k and the tokens
/// v whose bytes begin with B[j:k] x, and p(x | B[:k]) is the share of x among the 256 bytes and the end. Nodes are added one at a time, parents
/// first. A node that was not added counts for nothing.
/// </summary>
/// <param name="tree">The contexts of the text, B.</param>
internal sealed class ByteLaw(ByteTree tree)
{
    private readonly List<NodeSums?> _sums = [];
    private readonly List<double> _logWeight = [];

    // By node, how many offsets its sums cover (0 where it was not added), and log W - log Z. They are kept here so that the search for the nodes
    // that have something to say about an offset need not read the sums.
    private readonly List<int> _offsets = [];
    private readonly List<double> _logScale = [];
    private int _longest;

    /// <summary>log W of a node; NaN where its parent has not been added.</summary>
    public double LogWeight(int node) => node < _logWeight.Count ? _logWeight[node] : double.NaN;

    /// <summary>Whether a node has been added.</summary>
    public bool Has(int node) => node < _sums.Count && _sums[node] is not null;

    /// <summary>Adds a node, and computes the weights of its children.</summary>
    /// <param name="node">The node. Its parent must have been added before.</param>
    /// <param name="sums">The node's sums.</param>
    /// <param name="edges">By child, the model's log-probability of its token. It may be off by a constant, but by the same one as the sums.</param>
    public void Add(int node, NodeSums sums, ReadOnlySpan<double> edges)
    {
        while (_sums.Count < tree.Nodes.Count)
        {
            _sums.Add(null);
            _offsets.Add(0);
            _logScale.Add(double.NaN);
            _logWeight.Add(_logWeight.Count == 0 ? 0 : double.NaN);
        }
        _sums[node] = sums;
        (_offsets[node], _logScale[node]) = (sums.Offsets, _logWeight[node] - sums.LogValid);
        _longest = Math.Max(_longest, sums.Offsets);
        List<int> children = tree.Nodes[node].Children;
        for (int i = 0; i < children.Count; i++)
            _logWeight[children[i]] = _logWeight[node] + edges[i] - sums.LogValid;
    }

    /// <summary>Gives the sums of all nodes back to the pool. After this, nothing can be asked.</summary>
    public void Release(SumsPool pool)
    {
        pool.GiveBack(_sums.OfType<NodeSums>());
        _sums.Clear();
        _offsets.Clear();
    }

    /// <summary>The distribution after the first k bytes of the text.</summary>
    /// <param name="offset">k.</param>
    /// <param name="p">[257], filled with p(x | B[:k]); all zeros where no node that was added has anything to say.</param>
    /// <returns>The natural logarithm of P(B[:k]) under the nodes added; minus infinity where p is all zeros.</returns>
    public double Row(int offset, Span<double> p)
    {
        double logOfOne = Sums(offset, p, out double mass);
        if (mass <= 0)
            return double.NegativeInfinity;
        double scale = 1 / mass;
        foreach (ref double value in p)
            value *= scale;
        return logOfOne + Math.Log(mass);
    }

    /// <summary>Like <see cref="Row"/>, but without the division by the sum.</summary>
    /// <param name="offset">k.</param>
    /// <param name="p">[257], filled with numbers proportional to p(x | B[:k]).</param>
    /// <param name="mass">The sum of these numbers; 0 where no node that was added has anything to say.</param>
    /// <returns>The natural logarithm of what a number has to be multiplied by to be P(B[:k] x).</returns>
    public double Sums(int offset, Span<double> p, out double mass)
    {
        mass = 0;
        p.Clear();
        Span<(int Node, int Back)> speaking = stackalloc (int, int)[64];
        int count = 0;
        double largest = double.NegativeInfinity;
        for (int start = offset; start >= 0 && offset - start < _longest; start--)
        {
            foreach (int node in tree.At(start))
            {
                if (node >= _offsets.Count || _offsets[node] <= offset - start)
                    continue;
                if (count == speaking.Length)
                    speaking = Larger(speaking);
                speaking[count++] = (node, offset - start);
                largest = Math.Max(largest, _logScale[node]);
            }
        }
        if (double.IsNegativeInfinity(largest))
            return largest;
        foreach ((int node, int back) in speaking[..count])
            _sums[node]!.AddTo(p, back, Math.Exp(_logScale[node] - largest));
        mass = RangeSum.Of(p);
        return largest;
    }

    private static Span<(int, int)> Larger(Span<(int, int)> full)
    {
        var larger = new (int, int)[2 * full.Length];
        full.CopyTo(larger);
        return larger;
    }
}
