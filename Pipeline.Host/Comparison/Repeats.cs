namespace Pipeline.Host.Comparison;

/// <summary>A quantity that was measured once in each run.</summary>
/// <param name="Values">A value for each run, in the order of the runs. Null if the run has none.</param>
internal sealed record Repeats(IReadOnlyList<double?> Values)
{
    /// <summary>The number of runs that have a value.</summary>
    public int N => Values.Count(v => v is not null);

    public double Mean => Known.Average();

    /// <summary>The sample standard deviation, with n − 1 in the denominator. Null for a single value, which says nothing about the spread.</summary>
    public double? StandardDeviation => N < 2 ? null : Math.Sqrt(Known.Sum(v => (v - Mean) * (v - Mean)) / (N - 1));

    private IEnumerable<double> Known => Values.OfType<double>();

    /// <summary>Collects the values of several runs.</summary>
    /// <returns>The repeats; null if no run has a value.</returns>
    public static Repeats? Of(IEnumerable<double?> values)
    {
        var repeats = new Repeats([.. values]);
        return repeats.N == 0 ? null : repeats;
    }
}
