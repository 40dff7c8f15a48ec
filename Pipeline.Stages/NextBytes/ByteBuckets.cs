using System.Numerics;
using System.Runtime.InteropServices;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Computes the loss of a position's entries from the student's distribution there, and turns the distribution into the gradient of this loss with
/// respect to the logits. <see cref="ByteDivergence"/> has the formulas. Not safe for several threads at once.
/// </summary>
/// <param name="vocabulary">The student's vocabulary; V places.</param>
/// <param name="tables">The entries of the batch, ascending by position.</param>
internal sealed class ByteBuckets(ByteVocabulary vocabulary, ByteTables tables)
{
    // A bucket is taken to have at least this share of the student's mass. Less is rounding, and its logarithm would have no bound.
    private const double LeastShare = 1e-30;

    // The gradient with respect to a place's logit is the place's weight times the sum of the steps whose range contains the place.
    private readonly List<(int From, int To, double Value)> _steps = [];

    // The buckets of one entry: the teacher's probability, the student's mass, and where in _ranges their places are.
    private readonly List<(double P, double Mass, int First, int Count)> _buckets = [];
    private readonly List<(int From, int To)> _ranges = [];

    // Where the sum of the steps changes, and the sum from each of these places on.
    private readonly List<int> _cuts = [];
    private readonly List<double> _factors = [];

    // The first entry of each position.
    private readonly Dictionary<long, int> _first = Enumerable.Range(0, tables.Count).GroupBy(n => tables.At_n[n]).ToDictionary(g => g.Key, g => g.First());

    /// <summary>The loss at a position, and its gradient.</summary>
    /// <param name="position">The flat position. One without entries has a loss and a gradient of 0.</param>
    /// <param name="weights">
    /// [V] numbers proportional to the student's probabilities, in the order of the places. They become the gradient with respect to the logits.
    /// </param>
    /// <returns>The sum of KL(teacher, student) over the position's entries, in nats.</returns>
    public double At(long position, Span<float> weights)
    {
        _steps.Clear();
        double loss = 0;
        for (int n = _first.GetValueOrDefault(position, tables.Count); n < tables.Count && tables.At_n[n] == position; n++)
            loss += Entry(n, weights);
        Multiply(weights);
        return loss;
    }

    // Multiplies each weight by the sum of the steps over its place. The sum only changes where a step begins or ends.
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
        // Before the first byte of a token, all of the model's mass counts. Inside the token, the model knows that the token goes on.
        (int allFrom, int allTo) = depth == 0 ? (0, weights.Length) : (branches.Starts[0], branches.Starts[^1]);
        double all = Sum(weights[allFrom..allTo]);
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

    // Collects the teacher's buckets that some token of the student expresses, with the student's mass. The sum of the teacher's probabilities is
    // what each is divided by, so that these buckets share the mass of the others.
    private void Gather(int n, int depth, ByteBranches branches, ReadOnlySpan<float> weights, out double sum)
    {
        _buckets.Clear();
        _ranges.Clear();
        sum = 0;
        int named = 0, next = 0, rest = branches.Symbols.Length;
        for (; Name(n, named) is var symbol && symbol != ByteTables.Nothing; named++)
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

    // The i-th byte that an entry names; Nothing after its last.
    private short Name(int n, int i) => i < tables.Width ? tables.Symbols_nK[(n * tables.Width) + i] : ByteTables.Nothing;

    // The places of all bytes that the entry does not name. Neighbouring ranges are joined.
    private IEnumerable<(int From, int To)> Unnamed(int n, ByteBranches branches)
    {
        int from = -1;
        for (int i = 0, name = 0; i < branches.Symbols.Length; i++)
        {
            while (Name(n, name) is var symbol && symbol != ByteTables.Nothing && symbol < branches.Symbols[i])
                name++;
            bool isNamed = Name(n, name) == branches.Symbols[i];
            if (isNamed && from >= 0)
                yield return (from, branches.Starts[i]);
            if (isNamed)
                from = -1;
            else if (from < 0)
                from = branches.Starts[i];
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

    // How tokens continue that share the first bytes of this one.
    private ByteBranches Branches(int token, int depth)
    {
        int beginning = 0;
        foreach (byte value in vocabulary.Tokenizer.ByteView(token)[..depth])
            beginning = vocabulary.Beginnings.Next(beginning, value);
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
