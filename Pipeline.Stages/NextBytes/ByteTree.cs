using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// The contexts that a next byte of a text depends on: every sequence of tokens that spells a beginning of the text's bytes and that the
/// tokenizer makes of the beginning of some text. They form a tree: a node is one token behind its parent. Without a pattern that cuts,
/// there is one node at each byte; the document's own tokens, from the root on, are its trunk. Grows byte by byte.
/// </summary>
internal sealed class ByteTree
{
    // Of the many bytes at which no node ends.
    private static readonly List<int> s_none = [];

    private readonly ByteVocabulary _vocabulary;
    private readonly ContinuationRule _rule;
    private readonly List<byte> _bytes = [];
    private readonly List<ByteNode> _nodes = [];
    private readonly List<List<int>> _at = [s_none];

    private bool _isTrunkOnly;

    // Tokens that the bytes so far may be the beginning of, by where they start.
    private readonly List<(int Start, PlaceRange Range)> _open = [];

    /// <param name="rule">Of the vocabulary.</param>
    /// <param name="vocabulary">Whose tokens.</param>
    /// <param name="root">The mark in front, or the first token.</param>
    /// <param name="rootBytes">Bytes of text under the root; empty for a mark.</param>
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
        // A token of text that is no text of this document (a template's line feed) still joins with what follows it.
        int[] tail = place < 0 || _rule.IsAdded(place) ? [] : [place];
        Add(new ByteNode(root, place, -1, rootBytes.Length, 0, true, tail, state, PendingOf(rootBytes, state), rule.Added.After(0, root, rootBytes)));
    }

    /// <summary>Where the text begins, or goes on behind its last added token.</summary>
    public int Segment { get; private set; }

    public ReadOnlySpan<byte> Bytes => CollectionsMarshal.AsSpan(_bytes);

    public IReadOnlyList<ByteNode> Nodes => _nodes;

    /// <summary>Where tokens begin that the bytes so far may be the beginning of, and which.</summary>
    public IReadOnlyList<(int Start, PlaceRange Range)> Open => _open;

    /// <summary>Nodes whose tokens spell exactly the first <paramref name="offset"/> bytes.</summary>
    public List<int> At(int offset) => _at[offset];

    /// <summary>The tree of a text. Its own tokens are in it whatever the rule says of them.</summary>
    /// <param name="text">Of the vocabulary's tokenizer.</param>
    /// <param name="vocabulary">Whose tokens.</param>
    /// <param name="rule">Of the vocabulary.</param>
    /// <param name="encoder">Of its tokenizer.</param>
    /// <param name="view">Whether other tokens than the text's own are wanted.</param>
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
                // The content of an added token ends in the token itself and nothing else.
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
        // A space put in front of no text at all.
        foreach (byte value in text.Bytes.AsSpan(tree.Bytes.Length))
            tree.Push(value);
        return tree;
    }

    /// <summary>A tree whose nodes and masks are known from elsewhere.</summary>
    /// <param name="vocabulary">Whose tokens.</param>
    /// <param name="rule">Of the vocabulary.</param>
    /// <param name="bytes">The text's.</param>
    /// <param name="nodes">Token and parent, parents first, the root at the beginning.</param>
    /// <param name="masks">Of each node.</param>
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

    /// <summary>Adds a byte and the nodes that end with it.</summary>
    /// <param name="value">The next byte of the text.</param>
    /// <param name="trunk">The trunk's node that ends here or later; -1: no trunk is known.</param>
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

    /// <summary>What may follow a node.</summary>
    public TokenMask MaskOf(int node) => _nodes[node].Mask ??= _isTrunkOnly
        ? _rule.AfterBytes(_nodes[node].State)
        : _rule.After(_nodes[node].Tail, _nodes[node].State, _nodes[node].Pending);

    /// <summary>Places that would complete an added token whose beginning a node's text ends with.</summary>
    public int[] ForbiddenAfter(int node) => _rule.Added.Forbidden(_nodes[node].Added);

    /// <summary>
    /// Makes sure that the tokenizer's own tokens of the bytes so far are nodes: for a byte at which the rule found none.
    /// </summary>
    /// <param name="segment">Where the text begins, or goes on behind an added token.</param>
    /// <param name="encoder">The tokenizer's.</param>
    public void AddPrefix(int segment, TextEncoder encoder)
    {
        int whole = _bytes.Count;
        for (int back = 1; back <= 3 && whole - 1 >= segment; back++)
        {
            // Only whole characters are encoded; the bytes of the last one follow one by one.
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
            if (_vocabulary.Narrow(_vocabulary.All, 0, _bytes[at]) is var range && range.IsEmpty || _vocabulary.BytesAt(range.Start).Length > 1)
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
            int known = _at[begin + bytes.Length].FindIndex(n => _nodes[n].Parent == node && _nodes[n].Place == place);
            node = known >= 0 ? _at[begin + bytes.Length][known] : AddChild(node, id, place, bytes, false);
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
        // Behind an added token that is not the text's own the tokenizer might put a space, which the bytes do not have.
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

    // The bytes of the character that the bytes end inside.
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

/// <summary>One context: a token behind its parent's.</summary>
/// <param name="Id">The token.</param>
/// <param name="Place">Its place in the vocabulary; -1 for a mark that is none of the model's.</param>
/// <param name="Parent">-1 for the root.</param>
/// <param name="Offset">Bytes spelt up to its end.</param>
/// <param name="Depth">Tokens before it, the root's among them: its position for the model.</param>
/// <param name="IsTrunk">Whether it is one of the document's own tokens.</param>
/// <param name="Tail">Places since the text's start, or since the last added token.</param>
/// <param name="State">Where in a character it ends.</param>
/// <param name="Pending">The bytes of that unfinished character.</param>
/// <param name="Added">What of added tokens' contents its text ends with.</param>
internal sealed record ByteNode(
    int Id, int Place, int Parent, int Offset, int Depth, bool IsTrunk, int[] Tail, Utf8State State, byte[] Pending, int Added)
{
    public List<int> Children { get; } = [];

    public TokenMask? Mask { get; set; }
}
