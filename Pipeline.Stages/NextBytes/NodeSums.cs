using System.Numerics;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// What one context says of the bytes behind it: for each offset from its own on, as long as the text's bytes are the beginning of some token,
/// the probability of the text's bytes up to there and each symbol next.
/// </summary>
/// <param name="Starts">[offsets + 1] where each offset's entries begin.</param>
/// <param name="Symbols">A byte, or <see cref="ByteVocabulary.End"/>.</param>
/// <param name="Values">Probabilities, renormalised over what may follow.</param>
/// <param name="LogValid">Log of the model's probability of all that may follow.</param>
internal sealed record NodeSums(int[] Starts, short[] Symbols, double[] Values, double LogValid)
{
    /// <summary>Offsets it speaks of, its own the first.</summary>
    public int Offsets => Starts.Length - 1;

    /// <summary>
    /// Sums a distribution over a vocabulary into bytes: a token counts at each of its own bytes that the text has.
    /// </summary>
    /// <param name="p">In the order of the places, no need to sum to 1; zero is put where something must not follow.</param>
    /// <param name="tree">Of the text.</param>
    /// <param name="node">The context.</param>
    /// <param name="vocabulary">Of the places.</param>
    public static NodeSums Of<T>(Span<T> p, ByteTree tree, int node, ByteVocabulary vocabulary)
        where T : unmanaged, INumber<T>
    {
        List<int> children = tree.Nodes[node].Children;
        // The tree's own edges are valid whatever the mask says: the tokenizer made them.
        Span<T> edges = new T[children.Count];
        for (int i = 0; i < edges.Length; i++)
            edges[i] = tree.Nodes[children[i]].Place is var place and >= 0 ? p[place] : T.Zero;
        tree.MaskOf(node).Clear(p, vocabulary.TextCount, vocabulary.EndCount);
        foreach (int place in tree.ForbiddenAfter(node))
            p[place] = T.Zero;
        for (int i = 0; i < edges.Length; i++)
        {
            if (tree.Nodes[children[i]].Place is var place && place >= 0 && place < vocabulary.TextCount)
                p[place] = edges[i];
        }
        var sums = new Collector();
        sums.First(p, vocabulary);
        ReadOnlySpan<byte> ahead = tree.Bytes[tree.Nodes[node].Offset..];
        PlaceRange range = vocabulary.All;
        List<(byte[] Content, double Value)> marks = [];
        for (int i = 0; i < edges.Length; i++)
        {
            // A special token that the text itself has.
            if (tree.Nodes[children[i]] is var child && child.Place >= vocabulary.TextCount)
                marks.Add((vocabulary.Tokenizer.ByteView(child.Id).ToArray(), double.CreateChecked(edges[i])));
        }
        for (int depth = 0; ; depth++)
        {
            if (depth > 0)
                sums.Deeper(p, vocabulary, range, depth);
            bool marked = false;
            foreach ((byte[] content, double value) in marks)
            {
                if (depth < content.Length)
                {
                    sums.Add(content[depth], value);
                    marked = true;
                }
            }
            sums.EndOffset(isFirst: depth == 0);
            if (depth >= ahead.Length)
                break;
            range = vocabulary.Narrow(range, depth, ahead[depth]);
            if (range.IsEmpty && !marked)
                break;
        }
        return sums.Normalised();
    }

    private sealed class Collector
    {
        private readonly double[] _row = new double[ByteVocabulary.Symbols];
        private readonly List<int> _starts = [0];
        private readonly List<short> _symbols = [];
        private readonly List<double> _values = [];
        private double _valid;

        public void Add(int symbol, double value) => _row[symbol] += value;

        public void First<T>(ReadOnlySpan<T> p, ByteVocabulary vocabulary)
            where T : unmanaged, INumber<T>
        {
            int[] starts = vocabulary.FirstStarts;
            for (int value = 0; value < 256; value++)
                _row[value] = Sum(p[starts[value]..starts[value + 1]]);
            _row[ByteVocabulary.End] = Sum(p.Slice(vocabulary.TextCount, vocabulary.EndCount));
        }

        public void Deeper<T>(ReadOnlySpan<T> p, ByteVocabulary vocabulary, PlaceRange range, int depth)
            where T : unmanaged, INumber<T>
        {
            for (int place = range.Start; place < range.End; place++)
            {
                ReadOnlySpan<byte> bytes = vocabulary.BytesAt(place);
                if (bytes.Length > depth)
                    _row[bytes[depth]] += double.CreateTruncating(p[place]);
            }
        }

        public void EndOffset(bool isFirst)
        {
            for (int symbol = 0; symbol < _row.Length; symbol++)
            {
                if (_row[symbol] <= 0)
                    continue;
                _symbols.Add((short)symbol);
                _values.Add(_row[symbol]);
                if (isFirst)
                    _valid += _row[symbol];
            }
            _starts.Add(_symbols.Count);
            Array.Clear(_row);
        }

        public NodeSums Normalised()
        {
            double[] values = [.. _values];
            for (int i = 0; i < values.Length; i++)
                values[i] /= _valid;
            return new NodeSums([.. _starts], [.. _symbols], values, Math.Log(_valid));
        }

        private static double Sum<T>(ReadOnlySpan<T> values)
            where T : unmanaged, INumber<T>
        {
            double sum = 0;
            int at = 0;
            if (values.Length >= 4 * Vector<T>.Count)
            {
                var parts = Vector<T>.Zero;
                for (; at + Vector<T>.Count <= values.Length; at += Vector<T>.Count)
                    parts += new Vector<T>(values[at..]);
                for (int i = 0; i < Vector<T>.Count; i++)
                    sum += double.CreateTruncating(parts[i]);
            }
            for (; at < values.Length; at++)
                sum += double.CreateTruncating(values[at]);
            return sum;
        }
    }
}
