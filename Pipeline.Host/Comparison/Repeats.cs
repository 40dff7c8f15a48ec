namespace Pipeline.Host.Comparison;

/// <summary>One quantity measured once in each run.</summary>
/// <param name="Values">One per run, in the order of the runs; null where the run has none.</param>
internal sealed record Repeats(IReadOnlyList<double?> Values)
{
    /// <summary>Runs that have a value.</summary>
    public int N => Values.Count(v => v is not null);

    public double Mean => Known.Average();

    /// <summary>Of the sample: divided by n − 1. Null for one value, which says nothing of the spread.</summary>
    public double? StandardDeviation => N < 2 ? null : Math.Sqrt(Known.Sum(v => (v - Mean) * (v - Mean)) / (N - 1));

    private IEnumerable<double> Known => Values.OfType<double>();

    /// <returns>Null when no run has a value.</returns>
    public static Repeats? Of(IEnumerable<double?> values)
    {
        var repeats = new Repeats([.. values]);
        return repeats.N == 0 ? null : repeats;
    }
}
