using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// What one context says about the bytes after it. For its own offset, and for each later one as long as the text's bytes in between are the beginning
/// of some token, it has a sum for each symbol x: that of the probabilities of the tokens that may follow and begin with these bytes and x. Dividing by
/// exp(<see cref="LogValid"/>) turns probabilities p into q. An object can be made again for another context, see <see cref="SumsPool"/>.
/// </summary>
internal sealed class NodeSums
{
    private static readonly List<(byte[], double)> s_none = [];

    // [257] the sums at the context's own offset.
    private readonly double[] _first = new double[ByteVocabulary.Symbols];

    // The later offsets have few symbols, stored one offset after the other. Entry i of the ends is where those of the i-th offset end; the own
    // offset, which has none, counts as the 0th.
    private readonly List<int> _ends = [];
    private byte[] _symbols = new byte[32];
    private double[] _values = new double[32];
    private int _count;

    /// <summary>How many offsets it covers, its own included.</summary>
    public int Offsets => _ends.Count;

    /// <summary>log Z: the natural logarithm of the total mass of everything that may follow, on the scale of the sums.</summary>
    public double LogValid { get; private set; }

    /// <summary>Sums a distribution over tokens into bytes. A token counts at each of its bytes, for as long as the bytes before agree with the text.</summary>
    /// <param name="p">[V] numbers proportional to the probabilities, in the order of the places. What must not follow is set to 0.</param>
    /// <param name="tree">The tree of the text.</param>
    /// <param name="node">The context.</param>
    /// <param name="vocabulary">The vocabulary that gives the places.</param>
    /// <returns>This object.</returns>
    public NodeSums Make<T>(Span<T> p, ByteTree tree, int node, ByteVocabulary vocabulary)
        where T : unmanaged, INumber<T>
    {
        List<int> children = tree.Nodes[node].Children;
        // The tree's own edges always count, whatever the mask says, because the tokenizer made them.
        Span<T> edges = children.Count <= 16 ? stackalloc T[children.Count] : new T[children.Count];
        for (int i = 0; i < edges.Length; i++)
            edges[i] = tree.Nodes[children[i]].Place is var place and >= 0 ? p[place] : T.Zero;
        tree.MaskOf(node).Clear(p, vocabulary.TextCount, vocabulary.EndCount);
        foreach (int place in tree.ForbiddenAfter(node))
            p[place] = T.Zero;
        List<(byte[] Content, double Value)>? marks = null;
        for (int i = 0; i < edges.Length; i++)
        {
            ByteNode child = tree.Nodes[children[i]];
            if (child.Place >= vocabulary.TextCount)
                (marks ??= []).Add((vocabulary.Tokenizer.ByteView(child.Id).ToArray(), double.CreateChecked(edges[i])));
            else if (child.Place >= 0)
                p[child.Place] = edges[i];
        }
        Gather<T>(p, tree.Bytes[tree.Nodes[node].Offset..], vocabulary, marks ?? s_none);
        double valid = RangeSum.Of(_first);
        // A model may give no probability to anything that may follow. The smallest number then keeps the weights of this node's children finite.
        LogValid = Math.Log(Math.Max(valid, float.Epsilon));
        return this;
    }

    /// <summary>Adds this context's sums at an offset.</summary>
    /// <param name="p">[257] the symbols' sums, which are added to.</param>
    /// <param name="back">How many bytes the offset lies after the context's own.</param>
    /// <param name="weight">The factor of all sums.</param>
    public void AddTo(Span<double> p, int back, double weight)
    {
        if (back == 0)
        {
            AddFirst(p, weight);
            return;
        }
        for (int i = _ends[back - 1]; i < _ends[back]; i++)
            p[_symbols[i]] += weight * _values[i];
    }

    // Special tokens that occur in the text itself ("marks") belong to no range of places that begin alike. Their bytes are added one by one.
    private void Gather<T>(ReadOnlySpan<T> p, ReadOnlySpan<byte> ahead, ByteVocabulary vocabulary, List<(byte[] Content, double Value)> marks)
        where T : unmanaged, INumber<T>
    {
        _count = 0;
        _ends.Clear();
        int beginning = 0;
        for (int depth = 0; ; depth++)
        {
            ByteBranches branches = vocabulary.Beginnings.After(beginning);
            if (depth == 0)
                SumFirst(p, branches, vocabulary);
            else
                SumLater(p, branches);
            bool marked = false;
            foreach ((byte[] content, double value) in marks)
            {
                if (depth < content.Length)
                {
                    Add(content[depth], value);
                    marked = true;
                }
            }
            _ends.Add(_count);
            if (depth >= ahead.Length)
                break;
            beginning = vocabulary.Beginnings.Next(beginning, ahead[depth]);
            if (beginning == ByteBeginnings.None && !marked)
                break;
        }
    }

    // At the context's own offset, by the first byte of each token, and the end.
    private void SumFirst<T>(ReadOnlySpan<T> p, ByteBranches branches, ByteVocabulary vocabulary)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<byte> symbols = branches.Symbols;
        ReadOnlySpan<int> starts = branches.Starts;
        Array.Clear(_first);
        for (int i = 0; i < symbols.Length; i++)
            _first[symbols[i]] = RangeSum.Of(p, starts[i], starts[i + 1]);
        _first[ByteVocabulary.End] = RangeSum.Of(p, vocabulary.TextCount, vocabulary.TextCount + vocabulary.EndCount);
    }

    // At a later offset, by the byte after those that the tokens share with the text.
    private void SumLater<T>(ReadOnlySpan<T> p, ByteBranches branches)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<byte> symbols = branches.Symbols;
        ReadOnlySpan<int> starts = branches.Starts;
        for (int i = 0; i < symbols.Length; i++)
            Append(symbols[i], RangeSum.Of(p, starts[i], starts[i + 1]));
    }

    // Adds to the sum of a byte at the offset that is being filled.
    private void Add(byte symbol, double value)
    {
        if (_ends.Count == 0)
        {
            _first[symbol] += value;
            return;
        }
        int at = Array.IndexOf(_symbols, symbol, _ends[^1], _count - _ends[^1]);
        if (at >= 0)
            _values[at] += value;
        else
            Append(symbol, value);
    }

    private void Append(byte symbol, double value)
    {
        if (value <= 0)
            return;
        if (_count == _symbols.Length)
        {
            Array.Resize(ref _symbols, 2 * _symbols.Length);
            Array.Resize(ref _values, 2 * _values.Length);
        }
        _symbols[_count] = symbol;
        _values[_count++] = value;
    }

    private void AddFirst(Span<double> p, double weight)
    {
        ref double to = ref MemoryMarshal.GetReference(p[..ByteVocabulary.Symbols]), from = ref MemoryMarshal.GetArrayDataReference(_first);
        for (nuint at = 0; at < ByteVocabulary.End; at += (nuint)Vector512<double>.Count)
            (Vector512.LoadUnsafe(ref to, at) + (Vector512.LoadUnsafe(ref from, at) * weight)).StoreUnsafe(ref to, at);
        p[ByteVocabulary.End] += weight * _first[ByteVocabulary.End];
    }
}
