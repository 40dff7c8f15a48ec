using System.Globalization;

namespace Pipeline.Host.Pages;

/// <summary>Lines over steps as the page's script draws them. Long lines are averaged over equal runs of steps, and the caption says so.</summary>
/// <param name="Caption">What is shown.</param>
/// <param name="Logarithmic">Whether the axis of values is.</param>
/// <param name="Names">Of the lines.</param>
/// <param name="X">Steps: the last of each run of them.</param>
/// <param name="Lines">A value for each step, five digits; null where a line has none.</param>
internal sealed record ChartData(string Caption, bool Logarithmic, IReadOnlyList<string> Names, IReadOnlyList<long> X, IReadOnlyList<IReadOnlyList<double?>> Lines)
{
    private const int MostPoints = 600;
    private const int MostRows = 40;

    public static ChartData Of(string caption, IReadOnlyList<MetricSeries> lines, bool logarithmic = false)
    {
        int averaged = Math.Max(1, (lines.Max(l => l.Points.Count) + MostPoints - 1) / MostPoints);
        int steps = averaged * lines.Max(l => l.Each);
        string words = steps == 1 ? caption : string.Create(CultureInfo.InvariantCulture, $"{caption} (each point is the mean of {steps})");
        long[][] groups = [.. lines.SelectMany(l => l.Points).Select(p => p.Step).Distinct().Order().Chunk(averaged)];
        IReadOnlyList<double?>[] values = [.. lines.Select(line => Means(line, groups))];
        return new ChartData(
            words, logarithmic && values.SelectMany(v => v).All(v => v is null or > 0), [.. lines.Select(l => l.Name)], [.. groups.Select(g => g[^1])], values);
    }

    /// <summary>The figures as a table, for whoever sees no picture: some steps, the last one among them.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Rows()
    {
        int every = Math.Max(1, (X.Count + MostRows - 1) / MostRows);
        List<IReadOnlyList<string>> rows = [["step", .. Names]];
        for (int i = 0; i < X.Count; i++)
        {
            if (i % every == 0 || i == X.Count - 1)
                rows.Add([Figures.Count(X[i]), .. Lines.Select(v => v[i] is { } value ? Figures.Number(value) : "")]);
        }
        return rows;
    }

    private static double?[] Means(MetricSeries line, long[][] groups)
    {
        ILookup<long, double> at = line.Points.ToLookup(p => p.Step, p => p.Value);
        return [.. groups.Select(group =>
        {
            double[] found = [.. group.SelectMany(step => at[step]).Where(double.IsFinite)];
            return found.Length == 0 ? (double?)null : Short(found.Average());
        })];
    }

    private static double Short(double value) => double.Parse(value.ToString("G5", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
