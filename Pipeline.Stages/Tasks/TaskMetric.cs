namespace Pipeline.Stages.Tasks;

/// <summary>
/// A figure of a task, such as an accuracy, a ratio, a perplexity or a bias score. It is a function of sums over the questions, so that it can be
/// computed for any sample of them.
/// </summary>
/// <param name="Name">Its name, as in lm-evaluation-harness.</param>
/// <param name="Filter">The way in which answers were found in written text; "none" otherwise.</param>
/// <param name="Terms">For each question, the terms that are summed. All questions have the same number of terms.</param>
/// <param name="Of">Computes the figure from the sums of the terms; NaN where the sums do not determine it.</param>
internal sealed record TaskMetric(string Name, string Filter, IReadOnlyList<double[]> Terms, Func<double[], double> Of)
{
    /// <summary>Whether a larger figure is better. False for perplexities and for bias.</summary>
    public bool HigherIsBetter { get; init; } = true;

    /// <summary>Where the figure is a mean over the questions, the value of each question; null for other figures.</summary>
    public IReadOnlyList<double>? Values { get; private init; }

    /// <summary>The name under which lm-evaluation-harness lists the figure.</summary>
    public string Key => $"{Name},{Filter}";

    /// <summary>The name under which lm-evaluation-harness lists the standard error.</summary>
    public string ErrorKey => $"{Name}_stderr,{Filter}";

    public string IntervalKey => $"{Name}_interval,{Filter}";

    /// <summary>The figure over all questions.</summary>
    public double Value => Of(Sums(Enumerable.Range(0, Terms.Count)));

    /// <summary>The mean of one value for each question.</summary>
    public static TaskMetric Mean(string name, IReadOnlyList<double> values, string filter = "none")
        => new(name, filter, [.. values.Select(v => new[] { v, 1 })], static s => s[0] / s[1]) { Values = values };

    /// <summary>The sum of the first terms divided by the sum of the second ones, and then some function of it. NaN where the second sum is 0.</summary>
    public static TaskMetric Ratio(string name, IReadOnlyList<double[]> terms, Func<double, double>? then = null)
        => new(name, "none", terms, s => s[1] == 0 ? double.NaN : then is null ? s[0] / s[1] : then(s[0] / s[1]));

    /// <summary>The sums of the terms over some questions, which may contain a question several times.</summary>
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
