using System.Globalization;

namespace Pipeline.Host.Pages;

/// <summary>
/// The data of a chart: lines over steps, as the script of the page draws them. In long lines, a point is the mean of several steps, and the caption says
/// so.
/// </summary>
/// <param name="Caption">What the chart shows.</param>
/// <param name="Logarithmic">Whether the axis of values is logarithmic.</param>
/// <param name="Names">The names of the lines.</param>
/// <param name="X">The step of each point. If a point is the mean of several steps, it is the last of them.</param>
/// <param name="Lines">For each line, its value at each point, to five digits. Null where it has none.</param>
internal sealed record ChartData(string Caption, bool Logarithmic, IReadOnlyList<string> Names, IReadOnlyList<long> X, IReadOnlyList<IReadOnlyList<double?>> Lines)
{
    private const int MostPoints = 600;
    private const int MostRows = 40;

    /// <summary>The data of a chart of several lines. The axis of values is logarithmic only if all values are positive.</summary>
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

    /// <summary>The figures as a table, for those who cannot see the picture. It has a limited number of steps, which include the last one.</summary>
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
