namespace Pipeline.Stages.Tasks;

/// <summary>
/// A figure of a task that is a function of sums over its questions, so that it can be had of any sample of them: an accuracy, a ratio, a
/// perplexity, a bias score.
/// </summary>
/// <param name="Name">The harness's.</param>
/// <param name="Filter">How answers were found; "none" where they were not written.</param>
/// <param name="Terms">Per question what is summed; all have the same number of terms.</param>
/// <param name="Of">The figure of the sums; NaN where they do not say.</param>
internal sealed record TaskMetric(string Name, string Filter, IReadOnlyList<double[]> Terms, Func<double[], double> Of)
{
    /// <summary>Whether more is better; false of perplexities and of bias.</summary>
    public bool HigherIsBetter { get; init; } = true;

    /// <summary>Per question, of a mean; null of other figures.</summary>
    public IReadOnlyList<double>? Values { get; private init; }

    public string Key => $"{Name},{Filter}";

    public string ErrorKey => $"{Name}_stderr,{Filter}";

    public string IntervalKey => $"{Name}_interval,{Filter}";

    public double Value => Of(Sums(Enumerable.Range(0, Terms.Count)));

    public static TaskMetric Mean(string name, IReadOnlyList<double> values, string filter = "none")
        => new(name, filter, [.. values.Select(v => new[] { v, 1 })], static s => s[0] / s[1]) { Values = values };

    /// <summary>Σ of the first terms over Σ of the second.</summary>
    public static TaskMetric Ratio(string name, IReadOnlyList<double[]> terms, Func<double, double>? then = null)
        => new(name, "none", terms, s => s[1] == 0 ? double.NaN : then is null ? s[0] / s[1] : then(s[0] / s[1]));

    public double[] Sums(IEnumerable<int> questions)
    {
        var sums = new double[Terms[0].Length];
        foreach (int question in questions)
        {
            for (int t = 0; t < sums.Length; t++)
                sums[t] += Terms[question][t];
        }
        return sums;
    }
}
