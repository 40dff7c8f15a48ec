using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Comparison;

namespace Pipeline.Host.Pages;

/// <summary>A page that compares several runs: the results of their models, with mean and spread, and their curves side by side.</summary>
internal static class ComparisonPage
{
    public static string Of(RunComparison comparison, IReadOnlyList<string> folders, IStorage storage, MachineFacts machine, DateTimeOffset now)
    {
        (string Run, IReadOnlyList<MetricSeries> Metrics)[] runs = [.. folders.Select(f => (f, MetricSeries.Read(storage, Path.GetFullPath(f))))];
        return Page.Write(
            string.Create(CultureInfo.InvariantCulture, $"{folders.Count} runs compared"), [("result", "Result"), ("learning", "Learning"), ("cost", "Cost")], html =>
            {
                ResultSection.Write(html, comparison);
                Curves(html, runs);
                html.Section("cost", "Cost", () => html.Table("Time of every run", Times(folders, storage)));
                html.Element("p", string.Create(CultureInfo.InvariantCulture, $"Page written {now:yyyy-MM-dd HH:mm} UTC by {machine.Program}."), ("class", "note"));
            });
    }

    // There is a chart for each value that was logged, with a line for each run that has it.
    private static void Curves(HtmlWriter html, (string Run, IReadOnlyList<MetricSeries> Metrics)[] runs) => html.Section("learning", "Learning", () =>
    {
        var lines = runs.SelectMany(r => r.Metrics.Select(m => (Value: $"{m.Flow}: {m.Name}", Line: m with { Name = r.Run }))).GroupBy(l => l.Value, l => l.Line);
        foreach (IGrouping<string, MetricSeries> value in lines)
            Chart.Write(html, ChartData.Of(value.Key, [.. value], logarithmic: value.Key.Contains("loss/", StringComparison.Ordinal)));
    });

    private static List<IReadOnlyList<string>> Times(IReadOnlyList<string> folders, IStorage storage)
    {
        RunRecord[] records = [.. folders.Select(f => RunRecord.Read(storage, f))];
        string[] flows = [.. records.SelectMany(r => r.Flows.Select(f => f.Name)).Distinct()];
        List<IReadOnlyList<string>> rows = [["run", .. flows]];
        foreach (RunRecord record in records)
        {
            Dictionary<string, double> seconds = record.Flows.ToDictionary(f => f.Name, f => (double?)f.State["seconds"] ?? 0);
            rows.Add([record.Folder, .. flows.Select(f => seconds.TryGetValue(f, out double s) ? Figures.Time(s) : "")]);
        }
        return rows;
    }
}
