using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// The contexts that the next byte of a growing text depends on: those whose tokens may still go on past its end, with their weights. Asks
/// for the distributions it needs, and keeps them only while they matter. V places of the vocabulary.
/// </summary>
/// <param name="tree">Of the text; grows with it.</param>
/// <param name="vocabulary">Whose tokens.</param>
/// <param name="encoder">Of its tokenizer.</param>
/// <param name="leastShare">Contexts whose weight is at most this share of the text's probability up to them are left out, with all behind them; 0: none.</param>
internal sealed class LiveContexts(ByteTree tree, ByteVocabulary vocabulary, TextEncoder encoder, double leastShare = 0)
{
    // W along the path from the context that all others hang on.
    private readonly Dictionary<int, double> _logWeight = [];
    private readonly Dictionary<int, double[]> _raw = [];
    private readonly Dictionary<int, double[]> _valid = [];
    private readonly HashSet<int> _leftOut = [];
    private readonly List<Live> _live = Begin(tree, vocabulary);

    /// <summary>The sum of the shares of the contexts left out, each at the byte it was left out at: there the distribution is off by no more in total variation.</summary>
    public double LostShare { get; private set; }

    /// <summary>
    /// Contexts whose distributions are wanted before anything can be said, parents before their children; empty when all is known. Asking
    /// again after they were added may give more.
    /// </summary>
    public IReadOnlyList<int> Needed()
    {
        if (_logWeight.Count == 0)
            _logWeight[Ancestor()] = 0;
        var needed = new SortedSet<int>(Comparer<int>.Create((a, b) => (tree.Nodes[a].Depth, a).CompareTo((tree.Nodes[b].Depth, b))));
        foreach (Live live in _live)
        {
            if (_leftOut.Contains(live.Node))
                continue;
            if (!_raw.ContainsKey(live.Node))
                needed.Add(live.Node);
            for (int at = live.Node; !_logWeight.ContainsKey(at); at = tree.Nodes[at].Parent)
            {
                if (!_raw.ContainsKey(tree.Nodes[at].Parent))
                    needed.Add(tree.Nodes[at].Parent);
            }
        }
        return [.. needed];
    }

    /// <summary>Adds what a model says in a context.</summary>
    /// <param name="node">Of the tree.</param>
    /// <param name="p">[V] its probabilities over all places; kept.</param>
    public void Add(int node, double[] p) => _raw[node] = p;

    /// <summary>p of the 257 symbols behind the text so far. All that is needed was added.</summary>
    /// <returns>The logarithm of the text's probability under the contexts, up to a constant.</returns>
    public double Row(Span<double> p)
    {
        p.Clear();
        (Live Live, double LogWeight)[] weighed = Weighed();
        double largest = weighed.Max(w => w.LogWeight), mass = 0;
        foreach ((Live live, double logWeight) in weighed)
        {
            double weight = Math.Exp(logWeight - largest);
            double[] q = _valid[live.Node];
            for (int place = live.Range.Start; place < live.Range.End; place++)
            {
                ReadOnlySpan<byte> bytes = vocabulary.BytesAt(place);
                if (bytes.Length > live.Depth)
                    p[bytes[live.Depth]] += weight * q[place];
            }
            for (int end = 0; live.Depth == 0 && end < vocabulary.EndCount; end++)
                p[ByteVocabulary.End] += weight * q[vocabulary.TextCount + end];
        }
        foreach (double value in p)
            mass += value;
        foreach (ref double value in p)
            value /= mass;
        return largest + Math.Log(mass);
    }

    /// <summary>
    /// The tokens that go past the end of the text, or end it, each behind its context, with their probabilities given the text: what a first
    /// token is drawn from where a text ends inside one.
    /// </summary>
    public IReadOnlyList<(int Node, int Place, double P)> Tokens()
    {
        var tokens = new List<(int, int, double)>();
        (Live Live, double LogWeight)[] weighed = Weighed();
        double largest = weighed.Max(w => w.LogWeight), mass = 0;
        foreach ((Live live, double logWeight) in weighed)
        {
            double weight = Math.Exp(logWeight - largest);
            double[] q = _valid[live.Node];
            int ends = live.Depth == 0 ? vocabulary.EndCount : 0;
            foreach (int place in Enumerable.Range(live.Range.Start, live.Range.End - live.Range.Start).Concat(Enumerable.Range(vocabulary.TextCount, ends)))
            {
                if (q[place] <= 0 || (place < vocabulary.TextCount && vocabulary.BytesAt(place).Length <= live.Depth))
                    continue;
                tokens.Add((live.Node, place, weight * q[place]));
                mass += weight * q[place];
            }
        }
        return [.. tokens.Select(t => (t.Item1, t.Item2, t.Item3 / mass))];
    }

    /// <summary>The text goes on by a byte.</summary>
    public void Push(byte value)
    {
        Span<double> row = stackalloc double[ByteVocabulary.Symbols];
        // Of the text with this byte.
        double log = leastShare > 0 ? Row(row) + Math.Log(row[value]) : double.NaN;
        // The text goes where only those lead that were left out (or the others weigh nothing, and the law is 0 / 0): they are asked for after all, and
        // none is left out at this byte.
        bool back = leastShare > 0 && !double.IsFinite(log);
        if (back)
            _leftOut.Clear();
        tree.Push(value);
        int end = tree.Bytes.Length;
        if (tree.At(end).Count == 0)
        {
            tree.AddPrefix(tree.Segment, encoder);
            // What hangs on them has changed.
            _valid.Clear();
        }
        for (int i = 0; i < _live.Count; i++)
            _live[i] = _live[i] with { Range = vocabulary.Narrow(_live[i].Range, _live[i].Depth, value), Depth = _live[i].Depth + 1 };
        foreach (int node in tree.At(end))
        {
            _live.Add(new Live(node, vocabulary.All, 0));
            if (leastShare > 0 && !back && IsLittle(node, log))
                _leftOut.Add(node);
            // While its parent is known; where it is not, it will be asked for.
            else if (CanWeigh(node))
                LogWeight(node);
        }
        _live.RemoveAll(live => live.Range.IsEmpty);
        // All that goes on was left out, each part of it little.
        if (_live.TrueForAll(live => _leftOut.Contains(live.Node)))
            _leftOut.Clear();
        var alive = _live.Select(live => live.Node).ToHashSet();
        foreach (int node in _raw.Keys.Where(node => !alive.Contains(node)).ToArray())
        {
            _raw.Remove(node);
            _valid.Remove(node);
        }
    }

    /// <summary>Of the contexts that were weighed the one that ends nearest to the text's end, of several the likeliest. A row was asked for.</summary>
    public int Last()
        => _live.Where(live => _valid.ContainsKey(live.Node)).OrderBy(live => live.Depth).ThenByDescending(live => _logWeight[live.Node]).First().Node;

    /// <summary>The contexts that are live, whose ancestors' keys are still wanted.</summary>
    public IEnumerable<int> Nodes => _live.Select(live => live.Node);

    private static List<Live> Begin(ByteTree tree, ByteVocabulary vocabulary)
    {
        int end = tree.Bytes.Length;
        List<Live> live = [.. tree.At(end).Select(node => new Live(node, vocabulary.All, 0))];
        foreach ((int start, PlaceRange range) in tree.Open)
        {
            if (start < end)
                live.AddRange(tree.At(start).Select(node => new Live(node, range, end - start)));
        }
        return live;
    }

    private bool IsLittle(int node, double logText)
    {
        if (_leftOut.Contains(tree.Nodes[node].Parent))
            return true;
        if (!CanWeigh(node))
            return false;
        double share = Math.Exp(LogWeight(node) - logText);
        if (share > leastShare)
            return false;
        LostShare += share;
        return true;
    }

    private bool CanWeigh(int node) => tree.Nodes[node].Parent is var parent && _logWeight.ContainsKey(parent) && _raw.ContainsKey(parent);

    private (Live Live, double LogWeight)[] Weighed()
    {
        (Live, double)[] weighed = [.. _live.Where(live => !_leftOut.Contains(live.Node)).Select(live => (live, LogWeight(live.Node)))];
        foreach ((Live live, _) in weighed)
            Valid(live.Node);
        return weighed;
    }

    private double LogWeight(int node)
    {
        if (_logWeight.TryGetValue(node, out double known))
            return known;
        int parent = tree.Nodes[node].Parent;
        return _logWeight[node] = LogWeight(parent) + Math.Log(Valid(parent)[tree.Nodes[node].Place]);
    }

    // q: what may follow, normalized. The tree's own edges may, whatever the mask says: the tokenizer made them.
    private double[] Valid(int node)
    {
        if (_valid.TryGetValue(node, out double[]? known))
            return known;
        double[] raw = _raw[node], q = [.. raw];
        tree.MaskOf(node).Clear(q.AsSpan(), vocabulary.TextCount, vocabulary.EndCount);
        foreach (int place in tree.ForbiddenAfter(node))
            q[place] = 0;
        foreach (int child in tree.Nodes[node].Children)
        {
            if (tree.Nodes[child].Place is var place && place >= 0 && place < vocabulary.TextCount)
                q[place] = raw[place];
        }
        double sum = 0;
        for (int place = 0; place < vocabulary.TextCount + vocabulary.EndCount; place++)
            sum += q[place];
        for (int place = 0; place < q.Length; place++)
            q[place] /= sum;
        return _valid[node] = q;
    }

    private int Ancestor()
    {
        HashSet<int> nodes = [.. _live.Select(live => live.Node)];
        while (nodes.Count > 1)
        {
            int deepest = nodes.MaxBy(node => tree.Nodes[node].Depth);
            nodes.Remove(deepest);
            nodes.Add(tree.Nodes[deepest].Parent);
        }
        return nodes.First();
    }

    /// <param name="Node">The context.</param>
    /// <param name="Range">Tokens that begin with the bytes behind it.</param>
    /// <param name="Depth">These bytes.</param>
    private readonly record struct Live(int Node, PlaceRange Range, int Depth);
}
