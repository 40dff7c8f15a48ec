using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.Host.Pages;

/// <summary>
/// Lines over steps. The page's script draws them; the figures are in a table below, for whoever sees no picture. Long lines are averaged
/// over equal runs of steps, and the caption says so.
/// </summary>
internal static class Chart
{
    private const int MostPoints = 600;
    private const int MostRows = 40;

    public static void Write(HtmlWriter html, string caption, IReadOnlyList<MetricSeries> lines, bool logarithmic = false)
    {
        int averaged = Math.Max(1, (lines.Max(l => l.Points.Count) + MostPoints - 1) / MostPoints);
        string words = averaged == 1 ? caption : string.Create(CultureInfo.InvariantCulture, $"{caption} (each point is the mean of {averaged})");
        List<long> steps = [.. lines.SelectMany(l => l.Points).Select(p => p.Step).Distinct().Order()];
        long[][] groups = [.. steps.Chunk(averaged)];
        double?[][] values = [.. lines.Select(line => Means(line, groups))];
        html.Element("figure", () =>
        {
            html.Element("figcaption", words);
            html.Element("div", () => { }, ("class", "plot"), ("role", "img"), ("aria-label", words));
            // No text of a run can end the script: JSON escapes '<'.
            html.Raw($"<script type=\"application/json\">{Data(lines, groups, values, logarithmic)}</script>");
            html.Element("details", () =>
            {
                html.Element("summary", "The figures");
                html.Table(words, Rows(lines, groups, values));
            });
        }, ("class", "chart"));
    }

    private static double?[] Means(MetricSeries line, long[][] groups)
    {
        ILookup<long, double> at = line.Points.ToLookup(p => p.Step, p => p.Value);
        return [.. groups.Select(group =>
        {
            double[] found = [.. group.SelectMany(step => at[step]).Where(double.IsFinite)];
            return found.Length == 0 ? (double?)null : found.Average();
        })];
    }

    private static string Data(IReadOnlyList<MetricSeries> lines, long[][] groups, double?[][] values, bool logarithmic) => new JsonObject
    {
        ["logarithmic"] = logarithmic && values.SelectMany(v => v).All(v => v is null or > 0),
        ["names"] = new JsonArray([.. lines.Select(l => (JsonNode)l.Name)]),
        ["x"] = new JsonArray([.. groups.Select(g => (JsonNode)g[^1])]),
        ["lines"] = new JsonArray([.. values.Select(line => new JsonArray([.. line.Select(v => v is { } value ? JsonValue.Create(Short(value)) : null)]))]),
    }.ToJsonString(JsonSerializerOptions.Default);

    private static List<IReadOnlyList<string>> Rows(IReadOnlyList<MetricSeries> lines, long[][] groups, double?[][] values)
    {
        int every = Math.Max(1, (groups.Length + MostRows - 1) / MostRows);
        List<IReadOnlyList<string>> rows = [["step", .. lines.Select(l => l.Name)]];
        for (int i = 0; i < groups.Length; i++)
        {
            if (i % every == 0 || i == groups.Length - 1)
                rows.Add([groups[i][^1].ToString("N0", CultureInfo.InvariantCulture), .. values.Select(v => v[i] is { } value ? Figures.Number(value) : "")]);
        }
        return rows;
    }

    private static double Short(double value) => double.Parse(value.ToString("G5", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
