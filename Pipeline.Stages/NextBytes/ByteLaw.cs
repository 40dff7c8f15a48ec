namespace Pipeline.Stages.NextBytes;

/// <summary>
/// The distribution over the next byte after each beginning of a text: with W(n) the product of the renormalised probabilities along a node's
/// path, P(B[:k] x) = Σ W(n) · Σ q(v | n) over the nodes n at offsets j ≤ k and the tokens v whose bytes begin with B[j:k] x, and p(x | B[:k])
/// is its share over the 256 bytes and the end. Nodes may come one after another, parents first; those left out count for nothing.
/// </summary>
internal sealed class ByteLaw(ByteTree tree)
{
    private readonly List<NodeSums?> _sums = [];
    private readonly List<double> _logWeight = [];

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
            _logWeight.Add(_logWeight.Count == 0 ? 0 : double.NaN);
        }
        _sums[node] = sums;
        List<int> children = tree.Nodes[node].Children;
        for (int i = 0; i < children.Count; i++)
            _logWeight[children[i]] = _logWeight[node] + edges[i] - sums.LogValid;
    }

    /// <summary>
    /// p(x | B[:k]) for the 257 symbols, and the logarithm of P(B[:k]) under the nodes added.
    /// </summary>
    /// <param name="offset">k.</param>
    /// <param name="p">[257], filled.</param>
    /// <returns>Minus infinity, and p of zeros, where nothing leads.</returns>
    public double Row(int offset, Span<double> p)
    {
        p.Clear();
        double largest = double.NegativeInfinity;
        for (int start = offset; start >= 0 && offset - start < MostBack; start--)
        {
            foreach (int node in tree.At(start))
            {
                if (Has(node) && _sums[node]!.Offsets > offset - start)
                    largest = Math.Max(largest, _logWeight[node]);
            }
        }
        if (double.IsNegativeInfinity(largest))
            return largest;
        for (int start = offset; start >= 0 && offset - start < MostBack; start--)
        {
            foreach (int node in tree.At(start))
            {
                if (!Has(node) || _sums[node]!.Offsets <= offset - start)
                    continue;
                NodeSums sums = _sums[node]!;
                double weight = Math.Exp(_logWeight[node] - largest);
                for (int i = sums.Starts[offset - start]; i < sums.Starts[offset - start + 1]; i++)
                    p[sums.Symbols[i]] += weight * sums.Values[i];
            }
        }
        double mass = 0;
        foreach (double value in p)
            mass += value;
        if (mass <= 0)
            return double.NegativeInfinity;
        foreach (ref double value in p)
            value /= mass;
        return largest + Math.Log(mass);
    }

    private int MostBack => tree.LongestToken;
}
