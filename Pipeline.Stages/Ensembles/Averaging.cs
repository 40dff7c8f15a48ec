using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Ensembles;

/// <summary>
/// How the distributions of M models become one: Σ w p, or the normalized Π p^w. With weights 1, a and −a, the latter is proxy tuning: base · (expert
/// / anti-expert)^a (Liu et al. 2024, equation 1).
/// </summary>
public sealed record Averaging
{
    private Averaging(EnsembleAverage kind, double[] weights)
    {
        Kind = kind;
        Weights = weights;
    }

    /// <summary>A single model as it is.</summary>
    public static Averaging None { get; } = new(EnsembleAverage.Probability, [1]);

    public EnsembleAverage Kind { get; }

    /// <summary>[M] the weights, whose sum is 1.</summary>
    public IReadOnlyList<double> Weights { get; }

    /// <summary>An average in which all members have the same weight.</summary>
    public static Averaging Even(EnsembleAverage kind, int members) => new(kind, [.. Enumerable.Repeat(1.0 / members, members)]);

    /// <summary>An average with given weights.</summary>
    /// <param name="kind">What is averaged.</param>
    /// <param name="members">M.</param>
    /// <param name="weights">The weights in the order of the members. They are divided by their sum. Null or empty: all are the same.</param>
    /// <param name="name">The ensemble's name, for the message.</param>
    /// <exception cref="DefinitionException">There are fewer than two members, or the weights do not fit.</exception>
    public static Averaging Of(EnsembleAverage kind, int members, IReadOnlyList<double>? weights, string name)
    {
        if (Fault(kind, members, weights) is { } fault)
            throw new DefinitionException($"ensemble '{name}' {fault}");
        if (weights is null or [])
            return Even(kind, members);
        double sum = weights.Sum();
        return new Averaging(kind, [.. weights.Select(w => w / sum)]);
    }

    /// <summary>What is wrong with an ensemble; null if nothing is.</summary>
    public static string? Fault(EnsembleAverage kind, int members, IReadOnlyList<double>? weights)
    {
        if (members < 2)
            return $"has {members} members, expected at least two";
        if (weights is null or [])
            return null;
        string given = string.Join(", ", weights.Select(w => w.ToString(CultureInfo.InvariantCulture)));
        if (weights.Count != members)
            return $"has {members} members and {weights.Count} weights ({given}); give one weight for each member, in their order";
        double sum = weights.Sum();
        if (!weights.All(double.IsFinite) || sum <= 1e-9)
            return $"has weights ({given}) that sum to {sum.ToString(CultureInfo.InvariantCulture)}; they are divided by their sum, which must be above 0";
        if (kind == EnsembleAverage.Probability && weights.Any(w => w < 0))
            return $"has a negative weight ({given}); only weights of log-probabilities may be negative";
        return null;
    }

    /// <summary>Whether the kind and the weights are the same.</summary>
    public bool Equals(Averaging? other) => other is not null && Kind == other.Kind && Weights.SequenceEqual(other.Weights);

    public override int GetHashCode() => HashCode.Combine(Kind, Weights.Count, Weights.Count > 0 ? Weights[0] : 0);

    /// <summary>Combines distributions over S symbols.</summary>
    /// <param name="rows">[M][S] the distributions; NaN where a member has no condition.</param>
    /// <param name="p">[S], filled with their average; NaN where a member's is NaN, and all zeros where no symbol is left.</param>
    public void Combine(IReadOnlyList<double[]> rows, Span<double> p)
    {
        if (rows.Count == 1)
        {
            rows[0].CopyTo(p);
            return;
        }
        for (int x = 0; x < p.Length; x++)
            p[x] = Kind == EnsembleAverage.Probability ? Mean(rows, x) : LogMean(rows, x);
        if (Kind == EnsembleAverage.Probability)
            return;
        double largest = double.NegativeInfinity, sum = 0;
        foreach (double value in p)
            largest = double.IsNaN(value) ? value : Math.Max(largest, value);
        foreach (ref double value in p)
            sum += value = double.IsNegativeInfinity(value) ? 0 : Math.Exp(value - largest);
        foreach (ref double value in p)
            value = sum == 0 ? 0 : value / sum;
    }

    private double Mean(IReadOnlyList<double[]> rows, int x)
    {
        double sum = 0;
        for (int m = 0; m < rows.Count; m++)
            sum += Weights[m] * rows[m][x];
        return sum;
    }

    // A symbol that a member rules out stays ruled out, even if that member's weight is negative. The formula would divide by zero there.
    private double LogMean(IReadOnlyList<double[]> rows, int x)
    {
        double sum = 0;
        for (int m = 0; m < rows.Count; m++)
        {
            if (Weights[m] == 0)
                continue;
            if (rows[m][x] == 0)
                return double.NegativeInfinity;
            sum += Weights[m] * Math.Log(rows[m][x]);
        }
        return sum;
    }
}
