namespace Pipeline.Stages.NextBytes;

/// <summary>
/// The distribution over the next byte after each beginning of a text: with W(n) the product of the renormalized probabilities along a node's
/// path, P(B[:k] x) = Σ W(n) · Σ q(v | n) over the nodes n at offsets j ≤ k and the tokens v whose bytes begin with B[j:k] x, and p(x | B[:k])
/// is its share over the 256 bytes and the end. Nodes may come one after another, parents first; those left out count for nothing.
/// </summary>
internal sealed class ByteLaw(ByteTree tree)
{
    private readonly List<NodeSums?> _sums = [];
    private readonly List<double> _logWeight = [];

    // Per node the offsets it speaks of, 0 where it has not been added, and log W less what its sums are divided by: without a look at the sums themselves.
    private readonly List<int> _offsets = [];
    private readonly List<double> _logScale = [];
    private int _longest;

    /// <summary>[nodes] log W; NaN where a node or one before it has not been added.</summary>
    public double LogWeight(int node) => node < _logWeight.Count ? _logWeight[node] : double.NaN;

    public bool Has(int node) => node < _sums.Count && _sums[node] is not null;

    /// <summary>Adds what a node says, and weighs its children.</summary>
    /// <param name="node">Its parent was added before; the root has none.</param>
    /// <param name="sums">Of the node.</param>
    /// <param name="edges">Per child of the node the model's log-probability of its token, of the same scale as the sums were made of.</param>
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

    /// <summary>Gives back what the nodes say; nothing can be asked any more.</summary>
    public void Release(SumsPool pool)
    {
        pool.GiveBack(_sums.OfType<NodeSums>());
        _sums.Clear();
        _offsets.Clear();
    }

    /// <summary>
    /// p(x | B[:k]) for the 257 symbols, and the logarithm of P(B[:k]) under the nodes added.
    /// </summary>
    /// <param name="offset">k.</param>
    /// <param name="p">[257], filled.</param>
    /// <returns>Minus infinity, and p of zeros, where nothing leads.</returns>
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

    /// <summary>As <see cref="Row"/>, not normalized.</summary>
    /// <param name="offset">k.</param>
    /// <param name="p">[257], filled with numbers that are proportional to p(x | B[:k]).</param>
    /// <param name="mass">What they sum to; 0 where nothing leads.</param>
    /// <returns>The logarithm of the probability that 1 of them stands for.</returns>
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
