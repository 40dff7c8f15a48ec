namespace Pipeline.Stages.NextBytes;

/// <summary>A context of a batch: the row, the run of text within the row, and the node in that text's tree.</summary>
internal readonly record struct NodePlace(int Row, int Part, int Node);

/// <summary>
/// The contexts of several rows that are computed in one pass. Rows are padded to the largest number of contexts in a row. B rows, E contexts
/// per row, S keys, R contexts without the padding.
/// </summary>
/// <param name="Length">E.</param>
/// <param name="Ids">[B · E] tokens; 0 at padding.</param>
/// <param name="Positions">[B · E] each context's position in its row, which is that of its root plus its depth.</param>
/// <param name="Real">[R] flat indices of the contexts, without the padding.</param>
/// <param name="Nodes">[R] which contexts these are; none is null.</param>
/// <param name="Seen">[B · E · S] the keys that a context attends to: those of the row before its root, of its ancestors, and its own.</param>
/// <param name="KeyPositions">[B · S] positions of the keys in their rows.</param>
internal sealed record TreeQueries(
    int Length, long[] Ids, long[] Positions, long[] Real, IReadOnlyList<NodePlace?> Nodes, bool[] Seen, long[] KeyPositions);

/// <summary>
/// Decides which contexts of a batch are computed next. First come the rows' own tokens, in the ordinary pass. The other contexts follow
/// generation by generation, because the weight of a context is known only when its parent has been computed. It also remembers where each
/// context's key lies in the key-value cache.
/// </summary>
internal sealed class TreePass
{
    private readonly IReadOnlyList<ScoredRow> _rows;
    private readonly List<(int Part, int Node)>[] _waiting;

    // The key of each context by row, part and node, and the positions of each row's keys.
    private readonly int[][][] _keyOf;
    private readonly List<long>[] _keyPositions;

    public TreePass(IReadOnlyList<ScoredRow> rows)
    {
        _rows = rows;
        _waiting = [.. rows.Select(_ => new List<(int, int)>())];
        _keyOf = [.. rows.Select(row => row.Parts.Select(part => new int[part.Tree.Nodes.Count]).ToArray())];
        Length = rows.Max(row => row.Ids.Length);
        _keyPositions = [.. rows.Select(_ => Enumerable.Range(0, Length).Select(i => (long)i).ToList())];
        var trunk = new List<NodePlace?>();
        for (int b = 0; b < rows.Count; b++)
        {
            var places = new NodePlace?[rows[b].Ids.Length];
            for (int part = 0; part < rows[b].Parts.Count; part++)
            {
                ScoredBytes text = rows[b].Parts[part];
                for (int node = 0; node < text.Tree.Nodes.Count; node++)
                {
                    if (!text.Tree.Nodes[node].IsTrunk)
                        continue;
                    int at = text.Root + text.Tree.Nodes[node].Depth;
                    places[at] = new NodePlace(b, part, node);
                    _keyOf[b][part][node] = at;
                    QueueChildren(b, part, node);
                }
            }
            trunk.AddRange(places);
        }
        Trunk = trunk;
    }

    /// <summary>The number of tokens in the longest row.</summary>
    public int Length { get; }

    /// <summary>For each token of each row, one row after the other: the context that ends with it, or null where there is none.</summary>
    public IReadOnlyList<NodePlace?> Trunk { get; }

    /// <summary>Whether contexts other than the rows' own tokens are waiting.</summary>
    public bool HasMore => _waiting.Any(waiting => waiting.Count > 0);

    /// <summary>The contexts of the next pass; null when none is left. What earlier passes computed must have been added to the rows.</summary>
    /// <param name="leastShare">See <see cref="NextByteModel.Score"/>.</param>
    /// <param name="most">The largest number of contexts taken from one row.</param>
    public TreeQueries? Next(double leastShare, int most)
    {
        List<(int Part, int Node)>[] nodes = [.. _rows.Select((row, b) => Take(row, _waiting[b], leastShare, most))];
        return nodes.All(n => n.Count == 0) ? null : Queries(nodes);
    }

    private static List<(int, int)> Take(ScoredRow row, List<(int Part, int Node)> waiting, double leastShare, int most)
    {
        Span<double> p = stackalloc double[ByteVocabulary.Symbols];
        var taken = new List<(int, int)>();
        int looked = 0;
        for (; looked < waiting.Count && taken.Count < most; looked++)
        {
            (int part, int node) = waiting[looked];
            ScoredBytes text = row.Parts[part];
            if (leastShare > 0)
            {
                // Contexts that are still missing can only add to the text's probability. This share is therefore an upper bound, and nothing
                // above the limit is left out.
                double share = Math.Exp(text.Law.LogWeight(node) - text.Law.Row(text.Tree.Nodes[node].Offset, p));
                if (share <= leastShare)
                {
                    text.LostShare += share;
                    continue;
                }
            }
            taken.Add((part, node));
        }
        waiting.RemoveRange(0, looked);
        return taken;
    }

    private void QueueChildren(int row, int part, int node)
    {
        ByteTree tree = _rows[row].Parts[part].Tree;
        foreach (int child in tree.Nodes[node].Children)
        {
            if (!tree.Nodes[child].IsTrunk)
                _waiting[row].Add((part, child));
        }
    }

    private TreeQueries Queries(List<(int Part, int Node)>[] nodes)
    {
        int length = nodes.Max(n => n.Count), past = _keyPositions[0].Count, keys = past + length;
        var ids = new long[_rows.Count * length];
        var positions = new long[_rows.Count * length];
        var visible = new bool[(long)_rows.Count * length * keys];
        var real = new List<long>();
        var asked = new List<NodePlace?>();
        for (int b = 0; b < _rows.Count; b++)
        {
            for (int e = 0; e < length; e++)
            {
                int at = (b * length) + e;
                // Padding sees itself too, since attention needs a key. Nobody reads what it gives.
                visible[((long)at * keys) + past + e] = true;
                if (e >= nodes[b].Count)
                {
                    _keyPositions[b].Add(0);
                    continue;
                }
                (int part, int node) = nodes[b][e];
                ScoredBytes text = _rows[b].Parts[part];
                _keyOf[b][part][node] = past + e;
                (ids[at], positions[at]) = (text.Tree.Nodes[node].Id, text.Root + text.Tree.Nodes[node].Depth);
                _keyPositions[b].Add(positions[at]);
                real.Add(at);
                asked.Add(new NodePlace(b, part, node));
                visible.AsSpan((int)((long)at * keys), text.Root).Fill(true);
                for (int up = text.Tree.Nodes[node].Parent; up >= 0; up = text.Tree.Nodes[up].Parent)
                    visible[((long)at * keys) + _keyOf[b][part][up]] = true;
                QueueChildren(b, part, node);
            }
        }
        return new TreeQueries(length, ids, positions, [.. real], asked, visible, [.. _keyPositions.SelectMany(p => p)]);
    }
}
