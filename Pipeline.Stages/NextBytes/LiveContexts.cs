using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// The contexts that the next byte of a growing text depends on: those whose next token may reach past the end of the text so far, with their
/// weights. It asks its caller for the distributions that it needs, and drops each once the text has left that context behind. V is the
/// number of places of the vocabulary. W and q are defined in docs/method.md, "Exact next bytes".
/// </summary>
/// <param name="tree">The tree of the text, which grows with it.</param>
/// <param name="vocabulary">The tokens of the model.</param>
/// <param name="encoder">An encoder of the vocabulary's tokenizer.</param>
/// <param name="leastShare">
/// A context whose weight is at most this share of the text's probability up to it is left out, with everything after it. 0 leaves out nothing.
/// </param>
internal sealed class LiveContexts(ByteTree tree, ByteVocabulary vocabulary, TextEncoder encoder, double leastShare = 0)
{
    // log W, up to a constant: relative to the last ancestor that all contexts share at the beginning.
    private readonly Dictionary<int, double> _logWeight = [];

    // What the model says in a context, and q: the part of it that may follow, normalized.
    private readonly Dictionary<int, double[]> _raw = [];
    private readonly Dictionary<int, double[]> _valid = [];
    private readonly HashSet<int> _leftOut = [];
    private readonly List<Live> _live = Begin(tree, vocabulary);

    /// <summary>
    /// The shares of the contexts that were left out, summed, each as it was at the byte where the context was left out. There, the distribution
    /// is off by no more than this in total variation.
    /// </summary>
    public double LostShare { get; private set; }

    /// <summary>
    /// The contexts whose distributions must still be given to <see cref="Add"/> before <see cref="Row"/> or <see cref="Tokens"/> can answer.
    /// Parents come before their children. The list is empty when nothing is missing.
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

    /// <summary>Adds the model's distribution in a context.</summary>
    /// <param name="node">The context's node in the tree.</param>
    /// <param name="p">[V] probabilities in the order of the places. The array is kept, not copied.</param>
    public void Add(int node, double[] p) => _raw[node] = p;

    /// <summary>The distribution over the next byte after the text so far. Everything that is <see cref="Needed"/> must have been added.</summary>
    /// <param name="p">[257], filled: the bytes and the end.</param>
    /// <returns>The natural logarithm of the text's probability under the contexts, up to a constant.</returns>
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
    /// The tokens that reach past the end of the text so far, or end it: each with its context and its probability given the text. These sum to 1.
    /// Where a prompt ends inside a token, the first token is drawn from them.
    /// </summary>
    public IReadOnlyList<(int Node, int Place, double P)> Tokens()
    {
        var tokens = new List<(int Node, int Place, double Weight)>();
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
        return [.. tokens.Select(t => (t.Node, t.Place, t.Weight / mass))];
    }

    /// <summary>Continues the text by a byte.</summary>
    public void Push(byte value)
    {
        Span<double> row = stackalloc double[ByteVocabulary.Symbols];
        // The log-probability of the text with this byte, up to a constant.
        double logText = leastShare > 0 ? Row(row) + Math.Log(row[value]) : double.NaN;
        // The contexts that were kept may rule this byte out, or may weigh nothing at all, which makes the distribution 0 / 0. Those that were left
        // out are then needed after all, and none is left out at this byte.
        bool restored = leastShare > 0 && !double.IsFinite(logText);
        if (restored)
            _leftOut.Clear();
        tree.Push(value);
        int end = tree.Bytes.Length;
        if (tree.At(end).Count == 0)
        {
            tree.AddPrefix(tree.Segment, encoder);
            // The new edges count after their parents, whatever the masks say, and that changes q.
            _valid.Clear();
        }
        for (int i = 0; i < _live.Count; i++)
            _live[i] = _live[i] with { Range = vocabulary.Narrow(_live[i].Range, _live[i].Depth, value), Depth = _live[i].Depth + 1 };
        foreach (int node in tree.At(end))
        {
            _live.Add(new Live(node, vocabulary.All, 0));
            if (leastShare > 0 && !restored && IsNegligible(node, logText))
                _leftOut.Add(node);
            // Now, while its parent's distribution is still held. Otherwise that will be asked for.
            else if (CanWeigh(node))
                LogWeight(node);
        }
        _live.RemoveAll(live => live.Range.IsEmpty);
        // Every context that can go on was left out as negligible. They are all that is left, so they are taken back.
        if (_live.TrueForAll(live => _leftOut.Contains(live.Node)))
            _leftOut.Clear();
        var alive = _live.Select(live => live.Node).ToHashSet();
        foreach (int node in _raw.Keys.Where(node => !alive.Contains(node)).ToArray())
        {
            _raw.Remove(node);
            _valid.Remove(node);
        }
    }

    /// <summary>The context that ends nearest to the end of the text; of several, the most likely one. To be asked after <see cref="Row"/>.</summary>
    public int Last()
        => _live.Where(live => _valid.ContainsKey(live.Node)).OrderBy(live => live.Depth).ThenByDescending(live => _logWeight[live.Node]).First().Node;

    /// <summary>The live contexts. The keys of their ancestors are still needed.</summary>
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

    private bool IsNegligible(int node, double logText)
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

    // q. The tree's own edges always count, whatever the mask says, because the tokenizer made them.
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

    // The last ancestor that all live contexts share: the deepest node is replaced by its parent until one is left.
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

    /// <summary>A context, and the tokens that may come next and reach the end of the text.</summary>
    /// <param name="Node">The context.</param>
    /// <param name="Range">The tokens whose bytes begin with the text's bytes after the context.</param>
    /// <param name="Depth">How many bytes these are.</param>
    private readonly record struct Live(int Node, PlaceRange Range, int Depth);
}
