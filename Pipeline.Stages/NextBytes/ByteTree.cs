using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// The contexts that the next bytes of a text depend on: all canonical token sequences that spell a beginning of the text ("Exact next bytes"
/// in docs/method.md). A sequence is canonical when the tokenizer produces it from the beginning of some text. The sequences form a tree, in
/// which each node is one token after its parent. The path of the text's own tokens is its trunk. Where no pre-tokenizer cuts the text, there
/// is one node at each byte. With <see cref="BytesView.Trunk"/> there is only the trunk. The tree grows byte by byte.
/// </summary>
internal sealed class ByteTree
{
    // Shared by the many offsets at which no node ends.
    private static readonly List<int> s_none = [];

    private readonly ByteVocabulary _vocabulary;
    private readonly ContinuationRule _rule;
    private readonly List<byte> _bytes = [];
    private readonly List<ByteNode> _nodes = [];
    private readonly List<List<int>> _at = [s_none];

    private bool _isTrunkOnly;

    private readonly List<(int Start, PlaceRange Range)> _open = [];

    /// <summary>A tree that has only its root.</summary>
    /// <param name="vocabulary">The tokens of the model.</param>
    /// <param name="rule">The rule of this vocabulary.</param>
    /// <param name="root">The token in front of the text, such as bos, or the text's first token where nothing is in front.</param>
    /// <param name="rootBytes">The bytes of the text that the root spells; empty for a token in front.</param>
    public ByteTree(ByteVocabulary vocabulary, ContinuationRule rule, int root, ReadOnlySpan<byte> rootBytes)
    {
        _vocabulary = vocabulary;
        _rule = rule;
        foreach (byte value in rootBytes)
        {
            _bytes.Add(value);
            _at.Add(s_none);
        }
        Utf8State state = default;
        state.TryNext(rootBytes, out state);
        int place = vocabulary.PlaceOf(root);
        // An ordinary token in front of the text, such as a template's line feed, can still merge with what follows. It is part of the tail.
        int[] tail = place < 0 || _rule.IsAdded(place) ? [] : [place];
        Add(new ByteNode(root, place, -1, rootBytes.Length, 0, true, tail, state, PendingOf(rootBytes, state), rule.Added.After(0, root, rootBytes)));
    }

    /// <summary>The end of the root, or of the text's last added token. The tokenizer encodes what follows by itself.</summary>
    public int Segment { get; private set; }

    public ReadOnlySpan<byte> Bytes => CollectionsMarshal.AsSpan(_bytes);

    public IReadOnlyList<ByteNode> Nodes => _nodes;

    /// <summary>For each offset where a token may begin, the tokens whose bytes begin with all of the text's bytes from there on.</summary>
    public IReadOnlyList<(int Start, PlaceRange Range)> Open => _open;

    /// <summary>The nodes whose path spells exactly the first <paramref name="offset"/> bytes of the text.</summary>
    public List<int> At(int offset) => _at[offset];

    /// <summary>The tree of a text. The text's own tokens are always in it, whatever the rule says about them.</summary>
    /// <param name="text">The text as the vocabulary's tokenizer encodes it.</param>
    /// <param name="vocabulary">The tokens of the model.</param>
    /// <param name="rule">The rule of this vocabulary.</param>
    /// <param name="encoder">An encoder of the same tokenizer.</param>
    /// <param name="view">All contexts, or the trunk alone.</param>
    /// <exception cref="InputException">The text has neither a token in front nor a token of its own, so there is no root.</exception>
    public static ByteTree Of(ByteText text, ByteVocabulary vocabulary, ContinuationRule rule, TextEncoder encoder, BytesView view)
    {
        int first = text.Mark is null ? 1 : 0;
        if (first == 1 && text.Ids.Length == 0)
            throw new InputException("a text without tokens gives a model without a bos token nothing to predict from");
        int root = text.Mark ?? text.Ids[0];
        var tree = new ByteTree(vocabulary, rule, root, first == 1 ? vocabulary.Tokenizer.ByteView(root) : []) { _isTrunkOnly = view == BytesView.Trunk };
        int node = 0;
        tree.Segment = tree.Bytes.Length;
        for (int i = first; i < text.Ids.Length; i++)
        {
            int id = text.Ids[i], place = vocabulary.PlaceOf(id), begin = tree.Bytes.Length;
            ReadOnlySpan<byte> bytes = vocabulary.Tokenizer.ByteView(id);
            bool isAdded = rule.IsAdded(place);
            int own = tree.AddChild(node, id, place, bytes, true);
            for (int b = 0; b < bytes.Length; b++)
            {
                // The tokenizer cuts an added token out of the text first, so no other token ends where it ends or reaches past it.
                if (isAdded && b + 1 == bytes.Length)
                    tree.Close(bytes[b]);
                else
                    tree.Push(bytes[b], own);
                if (view == BytesView.Exact && tree.At(begin + b + 1).Count == 0)
                    tree.AddPrefix(tree.Segment, encoder);
            }
            node = own;
            if (isAdded)
                tree.Segment = tree.Bytes.Length;
        }
        // The space that some tokenizers insert even in front of an empty text.
        foreach (byte value in text.Bytes.AsSpan(tree.Bytes.Length))
            tree.Push(value);
        return tree;
    }

    /// <summary>A tree whose nodes and masks were made elsewhere, for comparisons with other programs.</summary>
    /// <param name="vocabulary">The tokens of the model.</param>
    /// <param name="rule">The rule of this vocabulary.</param>
    /// <param name="bytes">The bytes of the text.</param>
    /// <param name="nodes">Token and parent of each node: the root first, and parents before their children.</param>
    /// <param name="masks">What may follow each node.</param>
    public static ByteTree OfNodes(
        ByteVocabulary vocabulary, ContinuationRule rule, ReadOnlySpan<byte> bytes, IReadOnlyList<(int Id, int Parent)> nodes, IReadOnlyList<TokenMask> masks)
    {
        var tree = new ByteTree(vocabulary, rule, nodes[0].Id, []) { _isTrunkOnly = true };
        foreach (byte value in bytes)
            tree.Push(value);
        for (int i = 1; i < nodes.Count; i++)
            tree.AddChild(nodes[i].Parent, nodes[i].Id, vocabulary.PlaceOf(nodes[i].Id), vocabulary.Tokenizer.ByteView(nodes[i].Id), isTrunk: false);
        for (int i = 0; i < nodes.Count; i++)
            tree._nodes[i].Mask = masks[i];
        return tree;
    }

    /// <summary>Adds the next byte of the text, and the nodes that end with it.</summary>
    /// <param name="value">The byte.</param>
    /// <param name="trunk">The trunk's node that ends at this byte or later, which is in the tree already; -1 where no trunk is known.</param>
    public void Push(byte value, int trunk = -1)
    {
        _bytes.Add(value);
        int end = _bytes.Count;
        if (_at.Count == end)
            _at.Add(s_none);
        if (_isTrunkOnly)
            return;
        _open.Add((end - 1, _vocabulary.All));
        int kept = 0;
        for (int i = 0; i < _open.Count; i++)
        {
            (int start, PlaceRange range) = _open[i];
            PlaceRange left = _vocabulary.Narrow(range, end - 1 - start, value);
            if (left.IsEmpty)
                continue;
            _open[kept++] = (start, left);
            for (int place = left.Start; place < left.End && _vocabulary.BytesAt(place).Length == end - start; place++)
                Grow(start, place, trunk);
        }
        _open.RemoveRange(kept, _open.Count - kept);
    }

    private void Grow(int start, int place, int trunk)
    {
        for (int i = 0; i < _at[start].Count; i++)
        {
            int parent = _at[start][i];
            bool isTrunk = trunk >= 0 && _nodes[trunk].Parent == parent && _nodes[trunk].Place == place;
            if (!isTrunk && MayFollow(parent, place))
                AddChild(parent, _vocabulary.Ids[place], place, _vocabulary.BytesAt(place), false);
        }
    }

    /// <summary>What may follow a node, except for <see cref="ForbiddenAfter"/>. In a tree of the trunk alone, only UTF-8 is checked.</summary>
    public TokenMask MaskOf(int node) => _nodes[node].Mask ??= _isTrunkOnly
        ? _rule.AfterBytes(_nodes[node].State)
        : _rule.After(_nodes[node].Tail, _nodes[node].State, _nodes[node].Pending);

    /// <summary>Places that must not follow a node, because they would complete an added token that the text before has begun.</summary>
    public int[] ForbiddenAfter(int node) => _rule.Added.Forbidden(_nodes[node].Added);

    /// <summary>
    /// Adds the tokens that the tokenizer itself makes of the bytes so far. This is for bytes at which the rule found no node, since no byte may be
    /// without one. It stops early where the tokens do not spell these bytes.
    /// </summary>
    /// <param name="segment">See <see cref="Segment"/>.</param>
    /// <param name="encoder">An encoder of the vocabulary's tokenizer.</param>
    public void AddPrefix(int segment, TextEncoder encoder)
    {
        int whole = _bytes.Count;
        for (int back = 1; back <= 3 && whole - 1 >= segment; back++)
        {
            // Only whole characters can be encoded. The bytes of an unfinished last one follow below, one token each.
            Utf8State state = default;
            if (state.TryNext(Bytes[segment..whole], out state) && state.IsWhole)
                break;
            whole--;
        }
        ReadOnlySpan<byte> spelt = Bytes[segment..whole];
        string text = Encoding.UTF8.GetString(_vocabulary.HasDummy && spelt.Length > 0 && spelt[0] == ' ' ? spelt[1..] : spelt);
        var ids = new List<int>();
        encoder.Run(text, ids, null);
        for (int at = whole; at < _bytes.Count; at++)
        {
            PlaceRange range = _vocabulary.Narrow(_vocabulary.All, 0, _bytes[at]);
            // If the byte is a token by itself, it is the first of its range.
            if (range.IsEmpty || _vocabulary.BytesAt(range.Start).Length > 1)
                return;
            ids.Add(_vocabulary.Ids[range.Start]);
        }
        int node = _at[segment][0];
        foreach (int id in ids)
        {
            ReadOnlySpan<byte> bytes = _vocabulary.Tokenizer.ByteView(id);
            int place = _vocabulary.PlaceOf(id), begin = _nodes[node].Offset;
            if (place < 0 || begin + bytes.Length > _bytes.Count || !Bytes.Slice(begin, bytes.Length).SequenceEqual(bytes))
                return;
            List<int> candidates = _at[begin + bytes.Length];
            int known = candidates.FindIndex(n => _nodes[n].Parent == node && _nodes[n].Place == place);
            node = known >= 0 ? candidates[known] : AddChild(node, id, place, bytes, false);
        }
    }

    private void Close(byte value)
    {
        _bytes.Add(value);
        if (_at.Count == _bytes.Count)
            _at.Add(s_none);
        _open.Clear();
    }

    private bool MayFollow(int parent, int place)
    {
        // The tokenizer might insert a space after this added token, and the text has none there. The text's own added tokens never come here.
        if (_vocabulary.HasDummy && _rule.IsAdded(place))
            return false;
        return MaskOf(parent)[place] && Array.IndexOf(ForbiddenAfter(parent), place) < 0;
    }

    private int AddChild(int parent, int id, int place, ReadOnlySpan<byte> bytes, bool isTrunk)
    {
        ByteNode from = _nodes[parent];
        from.State.TryNext(bytes, out Utf8State state);
        int[] tail = _isTrunkOnly || _rule.IsAdded(place) ? [] : [.. from.Tail.AsSpan(Math.Max(0, from.Tail.Length + 1 - _rule.TailTokens)), place];
        byte[] pending = state.IsWhole ? [] : PendingOf([.. from.Pending, .. bytes], state);
        return Add(new ByteNode(
            id, place, parent, from.Offset + bytes.Length, from.Depth + 1, isTrunk, tail, state, pending, _rule.Added.After(from.Added, id, bytes)));
    }

    private int Add(ByteNode node)
    {
        while (_at.Count <= node.Offset)
            _at.Add(s_none);
        if (_at[node.Offset] == s_none)
            _at[node.Offset] = [];
        _at[node.Offset].Add(_nodes.Count);
        _nodes.Add(node);
        if (node.Parent >= 0)
            _nodes[node.Parent].Children.Add(_nodes.Count - 1);
        return _nodes.Count - 1;
    }

    // The first bytes of the character that the given bytes leave unfinished.
    private static byte[] PendingOf(ReadOnlySpan<byte> bytes, Utf8State state)
    {
        if (state.IsWhole)
            return [];
        int start = bytes.Length - 1;
        while (start > 0 && (bytes[start] & 0xC0) == 0x80)
            start--;
        return bytes[start..].ToArray();
    }
}

/// <summary>A node of a <see cref="ByteTree"/>. Its context is its token after those of its ancestors.</summary>
/// <param name="Id">The token.</param>
/// <param name="Place">The token's place in the vocabulary; -1 for a root that is no token of the model.</param>
/// <param name="Parent">The node before it; -1 for the root.</param>
/// <param name="Offset">How many bytes of the text its path spells.</param>
/// <param name="Depth">How many ancestors it has. Counted from the root, this is its token's position for the model.</param>
/// <param name="IsTrunk">Whether its token is one of the text's own.</param>
/// <param name="Tail">
/// Places of the path's last tokens, itself included: at most as many as <see cref="ContinuationRule.TailTokens"/>, and none from before the last added token.
/// </param>
/// <param name="State">Where in a character of UTF-8 its bytes end.</param>
/// <param name="Pending">The bytes of that unfinished character; empty between characters.</param>
/// <param name="Added">The state of <see cref="AddedPrefixes"/> after its token.</param>
internal sealed record ByteNode(
    int Id, int Place, int Parent, int Offset, int Depth, bool IsTrunk, int[] Tail, Utf8State State, byte[] Pending, int Added)
{
    public List<int> Children { get; } = [];

    /// <summary>Null until it is first asked for.</summary>
    public TokenMask? Mask { get; set; }
}
