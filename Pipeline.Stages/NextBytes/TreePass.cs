namespace Pipeline.Stages.NextBytes;

/// <summary>Contexts of several texts that are computed in one pass, padded to the most of one text. B texts, E contexts, S keys.</summary>
/// <param name="Length">E.</param>
/// <param name="Ids">[B · E] tokens, 0 at padding.</param>
/// <param name="Positions">[B · E] depths.</param>
/// <param name="Real">[R] flat indices that are no padding.</param>
/// <param name="Nodes">[R] text and node of each.</param>
/// <param name="Seen">[B · E · S] the keys a context sees: those of its ancestors and its own. Empty for the trunk, which is causal.</param>
/// <param name="KeyPositions">[B · S] depths of the keys.</param>
internal sealed record TreeQueries(
    int Length, long[] Ids, long[] Positions, long[] Real, IReadOnlyList<(int Text, int Node)> Nodes, bool[] Seen, long[] KeyPositions);

/// <summary>
/// Decides which contexts are computed next: first the trunks, then generation by generation what hangs on contexts already there, since
/// only these weigh it. Remembers where in the cache of keys each lies.
/// </summary>
internal sealed class TreePass(IReadOnlyList<ScoredBytes> texts)
{
    private readonly List<int>[] _waiting = [.. texts.Select(_ => new List<int>())];
    private readonly int[][] _keyOf = [.. texts.Select(text => new int[text.Tree.Nodes.Count])];
    private readonly List<long>[] _keyPositions = [.. texts.Select(_ => new List<long>())];

    /// <summary>The texts' own tokens.</summary>
    public TreeQueries Trunk()
    {
        List<int>[] nodes = [.. texts.Select(text => Enumerable.Range(0, text.Tree.Nodes.Count).Where(n => text.Tree.Nodes[n].IsTrunk).OrderBy(n => text.Tree.Nodes[n].Depth).ToList())];
        return Queries(nodes, seen: false);
    }

    /// <summary>The next contexts, at most so many of one text; null when none is left.</summary>
    /// <param name="leastShare">See <see cref="NextByteModel.Score"/>.</param>
    /// <param name="most">Of one text.</param>
    public TreeQueries? Next(double leastShare, int most)
    {
        List<int>[] nodes = [.. texts.Select((text, i) => Take(text, _waiting[i], leastShare, most))];
        return nodes.All(n => n.Count == 0) ? null : Queries(nodes, seen: true);
    }

    private static List<int> Take(ScoredBytes text, List<int> waiting, double leastShare, int most)
    {
        Span<double> row = stackalloc double[ByteVocabulary.Symbols];
        var taken = new List<int>();
        int looked = 0;
        for (; looked < waiting.Count && taken.Count < most; looked++)
        {
            int node = waiting[looked];
            if (leastShare > 0)
            {
                // The text's probability under the contexts so far is at most the whole one: never too much is left out.
                double share = Math.Exp(text.Law.LogWeight(node) - text.Law.Row(text.Tree.Nodes[node].Offset, row));
                if (share <= leastShare)
                {
                    text.LostShare += share;
                    continue;
                }
            }
            taken.Add(node);
        }
        waiting.RemoveRange(0, looked);
        return taken;
    }

    private TreeQueries Queries(List<int>[] nodes, bool seen)
    {
        int length = nodes.Max(n => n.Count), past = _keyPositions[0].Count, keys = past + length;
        var ids = new long[texts.Count * length];
        var positions = new long[texts.Count * length];
        var visible = new bool[seen ? (long)texts.Count * length * keys : 0];
        var real = new List<long>();
        var asked = new List<(int, int)>();
        for (int b = 0; b < texts.Count; b++)
        {
            ByteTree tree = texts[b].Tree;
            for (int e = 0; e < length; e++)
            {
                int at = (b * length) + e;
                _keyPositions[b].Add(e < nodes[b].Count ? tree.Nodes[nodes[b][e]].Depth : 0);
                // What is no context sees itself, and nobody reads it.
                if (seen)
                    visible[((long)at * keys) + past + e] = true;
                if (e >= nodes[b].Count)
                    continue;
                int node = nodes[b][e];
                _keyOf[b][node] = past + e;
                (ids[at], positions[at]) = (tree.Nodes[node].Id, tree.Nodes[node].Depth);
                real.Add(at);
                asked.Add((b, node));
                for (int up = tree.Nodes[node].Parent; seen && up >= 0; up = tree.Nodes[up].Parent)
                    visible[((long)at * keys) + _keyOf[b][up]] = true;
                _waiting[b].AddRange(tree.Nodes[node].Children.Where(child => !tree.Nodes[child].IsTrunk));
            }
        }
        return new TreeQueries(length, ids, positions, [.. real], asked, visible, [.. _keyPositions.SelectMany(p => p)]);
    }
}
