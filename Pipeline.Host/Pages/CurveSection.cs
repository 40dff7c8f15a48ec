namespace Pipeline.Host.Pages;

/// <summary>The curves of training, with a chart for each flow and kind of value.</summary>
internal static class CurveSection
{
    private static readonly (string Prefix, string Words, bool Logarithmic)[] Kinds =
    [
        ("loss/", "losses", true),
        ("weight/", "weights of the objectives", false),
        ("gradientNorm", "gradient norm before clipping", true),
        ("learningRate", "learning rate", false),
    ];

    public static void Write(HtmlWriter html, RunRecord run) => Write(html, run.Metrics);

    public static void Write(HtmlWriter html, IReadOnlyList<MetricSeries> metrics) => html.Section("learning", "Learning", () =>
    {
        if (metrics.Count == 0)
            html.Element("p", "Nothing was trained.", ("class", "note"));
        foreach (IGrouping<string, MetricSeries> flow in metrics.GroupBy(m => m.Flow))
        {
            html.Element("h3", $"Flow {flow.Key}");
            foreach (ChartData chart in Charts([.. flow]))
                Chart.Write(html, chart);
        }
    });

    /// <summary>The charts of every flow.</summary>
    public static IEnumerable<ChartData> Charts(IReadOnlyList<MetricSeries> metrics)
    {
        foreach (IGrouping<string, MetricSeries> flow in metrics.GroupBy(m => m.Flow))
        {
            foreach ((string prefix, string words, bool logarithmic) in Kinds)
            {
                List<MetricSeries> lines = [.. flow.Where(m => m.Name.StartsWith(prefix, StringComparison.Ordinal))];
                if (lines.Count > 0)
                    yield return ChartData.Of($"{flow.Key}: {words}", lines, logarithmic);
            }
            foreach (MetricSeries other in flow.Where(m => !Kinds.Any(k => m.Name.StartsWith(k.Prefix, StringComparison.Ordinal))))
                yield return ChartData.Of($"{flow.Key}: {other.Name}", [other]);
        }
    }
}
