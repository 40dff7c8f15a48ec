using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// What one context says of the bytes behind it: for each offset from its own on, as long as the text's bytes are the beginning of some token,
/// what is proportional to the probability of the text's bytes up to there and each symbol next. May be made again, for another context.
/// </summary>
internal sealed class NodeSums
{
    private static readonly List<(byte[], double)> s_none = [];

    private readonly double[] _first = new double[ByteVocabulary.Symbols];

    // Where the entries of the offsets behind its own end.
    private readonly List<int> _ends = [];
    private byte[] _symbols = new byte[32];
    private double[] _values = new double[32];
    private int _count;

    /// <summary>Offsets it speaks of, its own the first.</summary>
    public int Offsets => _ends.Count;

    /// <summary>Log of what all that may follow has: what to divide by.</summary>
    public double LogValid { get; private set; }

    /// <summary>Sums a distribution over a vocabulary into bytes: a token counts at each of its own bytes that the text has.</summary>
    /// <param name="p">In the order of the places, no need to sum to 1; zero is put where something must not follow.</param>
    /// <param name="tree">Of the text.</param>
    /// <param name="node">The context.</param>
    /// <param name="vocabulary">Of the places.</param>
    /// <returns>Itself.</returns>
    public NodeSums Make<T>(Span<T> p, ByteTree tree, int node, ByteVocabulary vocabulary)
        where T : unmanaged, INumber<T>
    {
        List<int> children = tree.Nodes[node].Children;
        // The tree's own edges are valid whatever the mask says: the tokenizer made them.
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
        // Of a model that gives nothing to anything that may follow: as little as a number can be, so that what hangs on it still weighs something.
        LogValid = Math.Log(Math.Max(valid, float.Epsilon));
        return this;
    }

    /// <summary>Adds what it says of an offset.</summary>
    /// <param name="back">How many bytes behind its own.</param>
    /// <param name="weight">What all of it is multiplied by.</param>
    /// <param name="p">[257]</param>
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

    // Special tokens that the text itself has are told apart: their bytes come one after another though they stand for no text.
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
                Begin(p, branches, vocabulary);
            else
                GoOn(p, branches);
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

    // By the first byte of each token, and the ends.
    private void Begin<T>(ReadOnlySpan<T> p, ByteBranches branches, ByteVocabulary vocabulary)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<byte> symbols = branches.Symbols;
        ReadOnlySpan<int> starts = branches.Starts;
        Array.Clear(_first);
        for (int i = 0; i < symbols.Length; i++)
            _first[symbols[i]] = RangeSum.Of(p, starts[i], starts[i + 1]);
        _first[ByteVocabulary.End] = RangeSum.Of(p, vocabulary.TextCount, vocabulary.TextCount + vocabulary.EndCount);
    }

    // By the byte behind those that the text has.
    private void GoOn<T>(ReadOnlySpan<T> p, ByteBranches branches)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<byte> symbols = branches.Symbols;
        ReadOnlySpan<int> starts = branches.Starts;
        for (int i = 0; i < symbols.Length; i++)
            Append(symbols[i], RangeSum.Of(p, starts[i], starts[i + 1]));
    }

    // To this offset's sum of a byte, whether it has one or not.
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
