namespace Pipeline.Stages.NextBytes;

/// <summary>A context: which run of text of which row, and which node of its tree.</summary>
internal readonly record struct NodePlace(int Row, int Part, int Node);

/// <summary>Contexts of several rows that are computed in one pass, padded to the most of one row. B rows, E contexts, S keys.</summary>
/// <param name="Length">E.</param>
/// <param name="Ids">[B · E] tokens, 0 at padding.</param>
/// <param name="Positions">[B · E] positions in the row: its root's and its depth.</param>
/// <param name="Real">[R] flat indices that are no padding.</param>
/// <param name="Nodes">[R] the context of each; null where the row's token is none.</param>
/// <param name="Seen">[B · E · S] the keys a context sees: those of the row before its root, its ancestors' and its own.</param>
/// <param name="KeyPositions">[B · S] positions of the keys.</param>
internal sealed record TreeQueries(
    int Length, long[] Ids, long[] Positions, long[] Real, IReadOnlyList<NodePlace?> Nodes, bool[] Seen, long[] KeyPositions);

/// <summary>
/// Decides which contexts are computed next: first the rows' own tokens, then generation by generation what hangs on contexts already there,
/// since only these weigh it. Remembers where in the cache of keys each lies.
/// </summary>
internal sealed class TreePass
{
    private readonly IReadOnlyList<ScoredRow> _rows;
    private readonly List<(int Part, int Node)>[] _waiting;
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
                    Wait(b, part, node);
                }
            }
            trunk.AddRange(places);
        }
        Trunk = trunk;
    }

    /// <summary>Tokens of the longest row.</summary>
    public int Length { get; }

    /// <summary>For each token of each row, one row after the other, the context it ends; null where it ends none.</summary>
    public IReadOnlyList<NodePlace?> Trunk { get; }

    /// <summary>Whether there is a context beside the rows' own.</summary>
    public bool HasMore => _waiting.Any(waiting => waiting.Count > 0);

    /// <summary>The next contexts, at most so many of one row; null when none is left.</summary>
    /// <param name="leastShare">See <see cref="NextByteModel.Score"/>.</param>
    /// <param name="most">Of one row.</param>
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
                // The text's probability under the contexts so far is at most the whole one: never too much is left out.
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

    private void Wait(int row, int part, int node)
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
                // What is no context sees itself, and nobody reads it.
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
                Wait(b, part, node);
            }
        }
        return new TreeQueries(length, ids, positions, [.. real], asked, visible, [.. _keyPositions.SelectMany(p => p)]);
    }
}
