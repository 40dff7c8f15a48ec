using System.Numerics;
using System.Runtime.InteropServices;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Turns a position's distribution over the student's vocabulary into the gradient of what the position's entries lose by its logits, and says
/// what they lose.
/// </summary>
internal sealed class ByteBuckets(ByteVocabulary vocabulary, ByteTables tables)
{
    // Of all that can come: below it a mass is rounding, and its logarithm would be without a bound.
    private const double LeastShare = 1e-30;

    private readonly List<(int From, int To, double Value)> _steps = [];
    private readonly List<(double P, double Mass, int First, int Count)> _buckets = [];
    private readonly List<(int From, int To)> _ranges = [];
    private readonly List<int> _cuts = [];
    private readonly List<double> _factors = [];
    private readonly Dictionary<long, int> _first = Enumerable.Range(0, tables.Count).GroupBy(n => tables.At_n[n]).ToDictionary(g => g.Key, g => g.First());

    /// <param name="position">Flat; one without entries loses nothing.</param>
    /// <param name="weights">[V] proportional to the student's probabilities in the order of the places; becomes the gradient by the logits.</param>
    /// <returns>Σ of KL over the position's entries.</returns>
    public double At(long position, Span<float> weights)
    {
        _steps.Clear();
        double loss = 0;
        for (int n = _first.GetValueOrDefault(position, tables.Count); n < tables.Count && tables.At_n[n] == position; n++)
            loss += Entry(n, weights);
        Multiply(weights);
        return loss;
    }

    // By the sum of the steps over each place, which changes at their ends alone.
    private void Multiply(Span<float> weights)
    {
        _cuts.Clear();
        foreach ((int from, int to, _) in _steps)
        {
            _cuts.Add(from);
            _cuts.Add(to);
        }
        _cuts.Sort();
        int count = 0;
        for (int i = 0; i < _cuts.Count; i++)
        {
            if (count == 0 || _cuts[count - 1] != _cuts[i])
                _cuts[count++] = _cuts[i];
        }
        _cuts.RemoveRange(count, _cuts.Count - count);
        CollectionsMarshal.SetCount(_factors, count);
        Span<double> factors = CollectionsMarshal.AsSpan(_factors);
        factors.Clear();
        foreach ((int from, int to, double value) in _steps)
        {
            for (int i = _cuts.BinarySearch(from); _cuts[i] < to; i++)
                factors[i] += value;
        }
        int done = 0;
        for (int i = 0; i < count; i++)
        {
            Multiply(weights[done.._cuts[i]], i == 0 ? 0 : factors[i - 1]);
            done = _cuts[i];
        }
        weights[done..].Clear();
    }

    private static void Multiply(Span<float> weights, double factor)
    {
        Vector<double> factors = new(factor);
        int at = 0;
        for (; at + Vector<float>.Count <= weights.Length; at += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(weights[at..]), out Vector<double> low, out Vector<double> high);
            Vector.Narrow(low * factors, high * factors).CopyTo(weights[at..]);
        }
        foreach (ref float weight in weights[at..])
            weight = (float)(weight * factor);
    }

    private double Entry(int n, ReadOnlySpan<float> weights)
    {
        int depth = tables.Depth_n[n];
        ByteBranches branches = Branches(tables.Next_n[n], depth);
        // At a token's end everything may come that the model gives mass to; inside a token it is known to go on.
        double all = depth == 0 ? Sum(weights) : Sum(weights[branches.Starts[0]..branches.Starts[^1]]);
        (int allFrom, int allTo) = depth == 0 ? (0, weights.Length) : (branches.Starts[0], branches.Starts[^1]);
        Gather(n, depth, branches, weights, out double p);
        if (p <= 0)
            return 0;
        double loss = 0;
        foreach ((double teacher, double mass, int first, int count) in _buckets)
        {
            double share = teacher / p, held = Math.Max(mass, LeastShare * all);
            loss += share * Math.Log(share * all / held);
            foreach ((int from, int to) in _ranges.GetRange(first, count))
                _steps.Add((from, to, -share / held));
        }
        _steps.Add((allFrom, allTo, 1 / all));
        return loss;
    }

    // The teacher's buckets that the student can say at all, with its own mass; they share out what the others had.
    private void Gather(int n, int depth, ByteBranches branches, ReadOnlySpan<float> weights, out double sum)
    {
        _buckets.Clear();
        _ranges.Clear();
        sum = 0;
        int named = 0, next = 0, rest = branches.Symbols.Length;
        for (; named < tables.Width && tables.Symbols_nK[(n * tables.Width) + named] is var symbol && symbol != ByteTables.Nothing; named++)
        {
            while (next < branches.Symbols.Length && branches.Symbols[next] < symbol)
                next++;
            if (next == branches.Symbols.Length || branches.Symbols[next] != symbol)
                continue;
            rest--;
            sum += Bucket(tables.Probabilities_nK[(n * tables.Width) + named], weights, (branches.Starts[next], branches.Starts[next + 1]));
        }
        if (depth == 0 && vocabulary.EndCount > 0)
            sum += Bucket(tables.End_n[n], weights, (vocabulary.TextCount, vocabulary.TextCount + vocabulary.EndCount));
        if (rest > 0)
            sum += Bucket(tables.Rest_n[n], weights, [.. Unnamed(n, branches)]);
    }

    // Ranges between the named ones, those that follow each other as one.
    private IEnumerable<(int From, int To)> Unnamed(int n, ByteBranches branches)
    {
        int from = -1;
        for (int i = 0, name = 0; i < branches.Symbols.Length; i++)
        {
            while (name < tables.Width && tables.Symbols_nK[(n * tables.Width) + name] is var symbol && symbol != ByteTables.Nothing && symbol < branches.Symbols[i])
                name++;
            bool isNamed = name < tables.Width && tables.Symbols_nK[(n * tables.Width) + name] == branches.Symbols[i];
            if (isNamed && from >= 0)
                yield return (from, branches.Starts[i]);
            from = isNamed ? -1 : from < 0 ? branches.Starts[i] : from;
        }
        if (from >= 0)
            yield return (from, branches.Starts[^1]);
    }

    private double Bucket(double p, ReadOnlySpan<float> weights, params (int From, int To)[] ranges)
    {
        if (p <= 0)
            return 0;
        double mass = 0;
        foreach ((int from, int to) in ranges)
            mass += Sum(weights[from..to]);
        _buckets.Add((p, mass, _ranges.Count, ranges.Length));
        _ranges.AddRange(ranges);
        return p;
    }

    private ByteBranches Branches(int token, int depth)
    {
        int beginning = 0;
        if (depth > 0)
        {
            foreach (byte value in vocabulary.Tokenizer.ByteView(token)[..depth])
                beginning = vocabulary.Beginnings.Next(beginning, value);
        }
        return vocabulary.Beginnings.After(beginning);
    }

    private static double Sum(ReadOnlySpan<float> values)
    {
        double sum = 0;
        int at = 0;
        if (values.Length >= 4 * Vector<float>.Count)
        {
            Vector<float> parts = Vector<float>.Zero;
            for (; at + Vector<float>.Count <= values.Length; at += Vector<float>.Count)
                parts += new Vector<float>(values[at..]);
            sum = Vector.Sum(parts);
        }
        foreach (float value in values[at..])
            sum += value;
        return sum;
    }
}
