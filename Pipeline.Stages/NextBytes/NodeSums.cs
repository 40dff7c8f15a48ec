using System.Numerics;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// What one context says of the bytes behind it: for each offset from its own on, as long as the text's bytes are the beginning of some token,
/// what is proportional to the probability of the text's bytes up to there and each symbol next. May be made again, for another context.
/// </summary>
internal sealed class NodeSums
{
    private const int NarrowRange = 16;

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
        Gather<T>(p, tree.Bytes[tree.Nodes[node].Offset..], vocabulary, marks ?? []);
        double valid = 0;
        foreach (double value in _first)
            valid += value;
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
            for (int at = 0; at < 256; at += Vector<double>.Count)
                (new Vector<double>(p[at..]) + (new Vector<double>(_first, at) * weight)).CopyTo(p[at..]);
            p[ByteVocabulary.End] += weight * _first[ByteVocabulary.End];
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
        PlaceRange range = vocabulary.All;
        for (int depth = 0; ; depth++)
        {
            if (depth == 0)
                AddFirst(p, vocabulary);
            else
                AddDeeper(p, vocabulary, range, depth);
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
            range = vocabulary.Narrow(range, depth, ahead[depth]);
            if (range.IsEmpty && !marked)
                break;
        }
    }

    // By the first byte of each token, and the ends.
    private void AddFirst<T>(ReadOnlySpan<T> p, ByteVocabulary vocabulary)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<int> starts = vocabulary.FirstStarts;
        for (int value = 0; value < 256; value++)
            _first[value] = Sum(p[starts[value]..starts[value + 1]]);
        _first[ByteVocabulary.End] = Sum(p.Slice(vocabulary.TextCount, vocabulary.EndCount));
    }

    // Of a range of tokens that share their first bytes, by the byte behind these.
    private void AddDeeper<T>(ReadOnlySpan<T> p, ByteVocabulary vocabulary, PlaceRange range, int depth)
        where T : unmanaged, INumber<T>
    {
        if (range.End - range.Start > NarrowRange)
        {
            ByteBranches branches = vocabulary.Branches(range, depth);
            for (int i = 0; i < branches.Symbols.Length; i++)
                Append(branches.Symbols[i], Sum(p[branches.Starts[i]..branches.Starts[i + 1]]));
            return;
        }
        (int last, double sum) = (-1, 0);
        for (int place = range.Start; place < range.End; place++)
        {
            ReadOnlySpan<byte> bytes = vocabulary.BytesAt(place);
            if (bytes.Length <= depth)
                continue;
            if (bytes[depth] != last)
            {
                if (last >= 0)
                    Append((byte)last, sum);
                (last, sum) = (bytes[depth], 0);
            }
            sum += double.CreateTruncating(p[place]);
        }
        if (last >= 0)
            Append((byte)last, sum);
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

    private static double Sum<T>(ReadOnlySpan<T> values)
        where T : unmanaged, INumber<T>
    {
        double sum = 0;
        int at = 0;
        if (values.Length >= 2 * Vector<T>.Count)
        {
            Vector<T> even = Vector<T>.Zero, odd = Vector<T>.Zero;
            for (; at + (2 * Vector<T>.Count) <= values.Length; at += 2 * Vector<T>.Count)
            {
                even += new Vector<T>(values[at..]);
                odd += new Vector<T>(values[(at + Vector<T>.Count)..]);
            }
            sum = double.CreateTruncating(Vector.Sum(even + odd));
        }
        foreach (T value in values[at..])
            sum += double.CreateTruncating(value);
        return sum;
    }
}
