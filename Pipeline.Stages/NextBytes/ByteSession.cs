using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// A text that grows byte by byte under one model, with the distribution over its next byte. Each context is computed once, when it is first needed,
/// from the cached keys and values of its ancestors. To be used on the device's thread. E contexts, S keys.
/// </summary>
internal sealed class ByteSession : IDisposable
{
    // Keys that no live context needs are dropped when there are more of them than this.
    private const int MostDeadKeys = 64;

    private readonly NextByteModel _model;
    private readonly ByteTree _tree;
    private readonly LiveContexts _live;
    private KeyValueCache _cache;
    private readonly List<int> _nodeOfKey = [];
    private readonly Dictionary<int, int> _keyOf = [];

    /// <param name="model">The model. It is not disposed here.</param>
    /// <param name="prompt">The beginning of the text. It may end inside a token.</param>
    /// <param name="leastShare">See <see cref="LiveContexts"/>.</param>
    /// <param name="known">
    /// Keys and values of the prompt's first tokens, including the one in front, rotated for a text of the prompt's length. The session owns them
    /// from here on. Null where none are known.
    /// </param>
    /// <exception cref="InputException">
    /// The text has no first token (see <see cref="ByteTree.Of"/>), or the model's rotary frequencies change with its length.
    /// </exception>
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

    /// <summary>How many contexts have been computed, including those of the prompt.</summary>
    public int Contexts { get; private set; }

    /// <summary>The distribution over the next byte after the text so far: [257], filled with the probabilities of the bytes and the end.</summary>
    public void Row(Span<double> p) => _live.Row(p);

    /// <summary>
    /// The tokens that reach past the end of the text so far, or end it: for each, the ids from the root up to and including it, and its probability
    /// given the text.
    /// </summary>
    public IReadOnlyList<(Func<int[]> Ids, double P)> Tokens()
        => [.. _live.Tokens().Select(t => ((Func<int[]>)(() => [.. PathOf(t.Node), _model.Vocabulary.Ids[t.Place]]), t.P))];

    /// <summary>Continues the text by a byte.</summary>
    public void Push(byte value)
    {
        _live.Push(value);
        Fill();
    }

    /// <summary>
    /// The most likely tokens of the text so far, up to the last whole one, and their keys and values, which the caller must dispose. To be called
    /// after <see cref="Row"/>, and as the last call before <see cref="Dispose"/>.
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

    // Computes the prompt's own tokens in one pass, after those whose keys are known. Keys give no distribution, so the tokens from the first one on
    // whose distribution is needed are computed again.
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
            // The contexts of one depth are computed together. Before that, the missing ancestors of the first one are, one by one.
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

    // From the root down to the parent.
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
        // Cached keys are rotated already. Where the rotation depends on the length of the text, they would have to be computed again.
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

    // Drops the keys that no live context needs, now and then, so that the cache does not grow by every context that was ever tried.
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
