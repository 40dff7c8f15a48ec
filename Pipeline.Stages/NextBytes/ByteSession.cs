using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// A text under one model that grows byte by byte, with the distribution over the next byte behind it: contexts are computed once, as they
/// come, behind the cached keys of their ancestors. Belongs to the device's thread. E contexts, S keys.
/// </summary>
internal sealed class ByteSession : IDisposable
{
    // Keys of contexts that are over may stay until they are as many as this.
    private const int MostDeadKeys = 64;

    private readonly NextByteModel _model;
    private readonly ByteTree _tree;
    private readonly LiveContexts _live;
    private KeyValueCache _cache;
    private readonly List<int> _nodeOfKey = [];
    private readonly Dictionary<int, int> _keyOf = [];

    /// <param name="model">Stays the caller's.</param>
    /// <param name="prompt">What the text begins with; its last bytes may be the beginning of a token.</param>
    /// <param name="leastShare">See <see cref="LiveContexts"/>.</param>
    /// <param name="known">Keys of the prompt's first tokens, its mark among them, rotated for a text of its length; becomes this object's. Null: none.</param>
    public ByteSession(NextByteModel model, ByteText prompt, double leastShare = 0, KeyValueCache? known = null)
    {
        _model = model;
        _cache = known ?? new KeyValueCache(model.Model.Config.Layers);
        try
        {
            _tree = model.TreeOf(prompt);
            _live = new LiveContexts(_tree, model.Vocabulary, model.Encoder, leastShare);
            Begin();
            Fill();
        }
        catch
        {
            _cache.Dispose();
            throw;
        }
    }

    /// <summary>Contexts computed so far, those of the prompt among them.</summary>
    public int Contexts { get; private set; }

    /// <summary>p of the 257 symbols behind the text so far.</summary>
    public void Row(Span<double> p) => _live.Row(p);

    /// <summary>The tokens that go past the end of the text, or end it: the ids up to and with each, and its probability given the text.</summary>
    public IReadOnlyList<(Func<int[]> Ids, double P)> Tokens()
        => [.. _live.Tokens().Select(t => ((Func<int[]>)(() => [.. PathOf(t.Node), _model.Vocabulary.Ids[t.Place]]), t.P))];

    /// <summary>The text goes on by a byte.</summary>
    public void Push(byte value)
    {
        _live.Push(value);
        Fill();
    }

    /// <summary>
    /// The tokens that the text most likely is made of, as far as it has whole ones, and their keys, which become the caller's. A row was asked
    /// for, and this object can only be disposed then.
    /// </summary>
    public (int[] Ids, KeyValueCache Keys) Take()
    {
        int[] nodes = [.. PathOfNodes(_live.Last())];
        KeyValueCache keys = _cache;
        keys.Keep([.. nodes.Select(node => _keyOf[node])]);
        _cache = new KeyValueCache(_model.Model.Config.Layers);
        return ([.. nodes.Select(node => _tree.Nodes[node].Id)], keys);
    }

    public void Dispose() => _cache.Dispose();

    // The prompt's own tokens, in one pass behind those that are known. What is said behind a token is not known with its keys.
    private void Begin()
    {
        using IDisposable quiet = no_grad();
        int[] trunk = [.. Enumerable.Range(0, _tree.Nodes.Count).Where(node => _tree.Nodes[node].IsTrunk).OrderBy(node => _tree.Nodes[node].Depth)];
        HashSet<int> wanted = [.. _live.Needed()];
        int known = Math.Min(_cache.Length, trunk.TakeWhile(node => !wanted.Contains(node)).Count());
        _cache.Truncate(known);
        for (int i = 0; i < known; i++)
            AddKey(trunk[i]);
        Compute(trunk[known..], isTrunk: true, wanted);
    }

    private void Fill()
    {
        using IDisposable quiet = no_grad();
        while (_live.Needed() is { Count: > 0 } needed)
        {
            // The first generation: its ancestors are there, or come before it.
            int first = needed[0];
            int[] path = [.. Ancestors(first).Where(node => !_keyOf.ContainsKey(node))];
            if (path.Length > 0)
            {
                Compute([path[0]], isTrunk: false, []);
                continue;
            }
            int depth = _tree.Nodes[first].Depth;
            Compute([.. needed.Where(node => _tree.Nodes[node].Depth == depth && Ancestors(node).All(_keyOf.ContainsKey))], isTrunk: false, [.. needed]);
        }
    }

    // Above a context, the first one first.
    private IEnumerable<int> Ancestors(int node) => PathOfNodes(_tree.Nodes[node].Parent);

    private IEnumerable<int> PathOfNodes(int node)
    {
        var path = new List<int>();
        for (int at = node; at >= 0; at = _tree.Nodes[at].Parent)
            path.Add(at);
        path.Reverse();
        return path;
    }

    private int[] PathOf(int node) => [.. PathOfNodes(node).Select(at => _tree.Nodes[at].Id)];

    private void Compute(int[] nodes, bool isTrunk, HashSet<int> wanted)
    {
        using DisposeScope scope = NewDisposeScope();
        CausalLm model = _model.Model;
        if (!isTrunk)
            LeaveDead();
        // Keys are cached rotated: where the text's new length changes the rotation, all of them are computed again.
        int deepest = nodes.Max(node => _tree.Nodes[node].Depth), longest = _nodeOfKey.Count == 0 ? 0 : _nodeOfKey.Max(node => _tree.Nodes[node].Depth);
        if (!isTrunk && deepest > longest && !model.Config.Rope.IsSame(longest + 1, deepest + 1))
            throw new InputException($"the model's rotary frequencies change with the length of the text, which now has {deepest + 1} tokens: use shorter texts");
        Tensor embedded = isTrunk ? _model.EmbedRow(PathOf(nodes[^1]), _cache.Length) : _model.EmbedLast([.. nodes.Select(PathOf)]);
        int past = _cache.Length, keys = past + nodes.Length;
        foreach (int node in nodes)
            AddKey(node);
        using AttentionContext attention = isTrunk ? model.CreateAttention(1, nodes.Length, cache: _cache) : TreeAttention(nodes, keys);
        Tensor hidden_EH = model.FinalNorm(model.RunLayers(embedded, 0, model.Config.Layers, attention)).squeeze(0);
        Contexts += nodes.Length;
        long[] at = [.. Enumerable.Range(0, nodes.Length).Where(i => wanted.Contains(nodes[i])).Select(i => (long)i)];
        if (at.Length == 0)
            return;
        double[][] p = _model.Probabilities(hidden_EH.index_select(0, tensor(at, device: model.Device)));
        for (int i = 0; i < at.Length; i++)
            _live.Add(nodes[at[i]], p[i]);
    }

    private void AddKey(int node)
    {
        _keyOf[node] = _nodeOfKey.Count;
        _nodeOfKey.Add(node);
    }

    private AttentionContext TreeAttention(int[] nodes, int keys)
    {
        CausalLm model = _model.Model;
        bool[] seen = new bool[nodes.Length * keys];
        for (int e = 0; e < nodes.Length; e++)
        {
            foreach (int node in PathOfNodes(nodes[e]))
                seen[(e * keys) + _keyOf[node]] = true;
        }
        Tensor seen_BES = tensor(seen, [1, nodes.Length, keys], device: model.Device);
        Tensor positions_BE = tensor([.. nodes.Select(node => (long)_tree.Nodes[node].Depth)], [1, nodes.Length], device: model.Device);
        Tensor keyPositions_BS = tensor([.. _nodeOfKey.Select(node => (long)_tree.Nodes[node].Depth)], [1, keys], device: model.Device);
        return model.CreateTreeAttention(seen_BES, positions_BE, keyPositions_BS, _cache);
    }

    // Keys that no live context sees are left out now and then, so that a text costs what its tokens do.
    private void LeaveDead()
    {
        HashSet<int> wanted = [.. _live.Nodes.SelectMany(PathOfNodes)];
        int[] kept = [.. Enumerable.Range(0, _nodeOfKey.Count).Where(key => wanted.Contains(_nodeOfKey[key]))];
        if (_nodeOfKey.Count - kept.Length <= MostDeadKeys)
            return;
        _cache.Keep(kept);
        int[] nodes = [.. kept.Select(key => _nodeOfKey[key])];
        _nodeOfKey.Clear();
        _nodeOfKey.AddRange(nodes);
        _keyOf.Clear();
        for (int key = 0; key < nodes.Length; key++)
            _keyOf[nodes[key]] = key;
    }
}
