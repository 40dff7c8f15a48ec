using System.Numerics;

namespace Pipeline.Stages.NextBytes;

/// <summary>Gathers sums per symbol, offset by offset; used again for context after context by one thread.</summary>
internal sealed class SymbolSums
{
    private const int NarrowRange = 16;

    private readonly List<int> _starts = [];
    private short[] _symbols = new short[1024];
    private double[] _values = new double[1024];
    private int _count;

    public void Begin()
    {
        _starts.Clear();
        _starts.Add(0);
        _count = 0;
    }

    /// <summary>Adds to this offset's sum of a symbol, whether it has one or not.</summary>
    public void Add(int symbol, double value)
    {
        int at = Array.IndexOf(_symbols, (short)symbol, _starts[^1], _count - _starts[^1]);
        if (at >= 0)
            _values[at] += value;
        else
            Append(symbol, value);
    }

    /// <summary>By the first byte of each token, and the ends.</summary>
    public void First<T>(ReadOnlySpan<T> p, ByteVocabulary vocabulary)
        where T : unmanaged, INumber<T>
    {
        int[] starts = vocabulary.FirstStarts;
        for (int value = 0; value < 256; value++)
            Append(value, Sum(p[starts[value]..starts[value + 1]]));
        Append(ByteVocabulary.End, Sum(p.Slice(vocabulary.TextCount, vocabulary.EndCount)));
    }

    /// <summary>Of a range of tokens that share their first bytes, by the byte behind these.</summary>
    public void Deeper<T>(ReadOnlySpan<T> p, ByteVocabulary vocabulary, PlaceRange range, int depth)
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
                    Append(last, sum);
                (last, sum) = (bytes[depth], 0);
            }
            sum += double.CreateTruncating(p[place]);
        }
        if (last >= 0)
            Append(last, sum);
    }

    public void EndOffset() => _starts.Add(_count);

    /// <summary>Everything so far as shares of the first offset's sum.</summary>
    public NodeSums Normalised()
    {
        double valid = 0;
        foreach (double value in _values.AsSpan(0, _starts[1]))
            valid += value;
        double[] values = _values[.._count];
        double scale = 1 / valid;
        for (int i = 0; i < values.Length; i++)
            values[i] *= scale;
        return new NodeSums([.. _starts], _symbols[.._count], values, Math.Log(valid));
    }

    private void Append(int symbol, double value)
    {
        if (value <= 0)
            return;
        if (_count == _symbols.Length)
        {
            Array.Resize(ref _symbols, 2 * _symbols.Length);
            Array.Resize(ref _values, 2 * _values.Length);
        }
        _symbols[_count] = (short)symbol;
        _values[_count++] = value;
    }

    private static double Sum<T>(ReadOnlySpan<T> values)
        where T : unmanaged, INumber<T>
        => values.Length < 4 * Vector<T>.Count ? SumFew(values) : SumMany(values);

    private static double SumFew<T>(ReadOnlySpan<T> values)
        where T : unmanaged, INumber<T>
    {
        double sum = 0;
        foreach (T value in values)
            sum += double.CreateTruncating(value);
        return sum;
    }

    private static double SumMany<T>(ReadOnlySpan<T> values)
        where T : unmanaged, INumber<T>
    {
        int at = 0;
        Vector<T> even = Vector<T>.Zero, odd = Vector<T>.Zero;
        for (; at + (2 * Vector<T>.Count) <= values.Length; at += 2 * Vector<T>.Count)
        {
            even += new Vector<T>(values[at..]);
            odd += new Vector<T>(values[(at + Vector<T>.Count)..]);
        }
        double sum = SumFew(values[at..]);
        for (int i = 0; i < Vector<T>.Count; i++)
            sum += double.CreateTruncating(even[i]) + double.CreateTruncating(odd[i]);
        return sum;
    }
}
