using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;

namespace Pipeline.Host.Pages;

/// <summary>One value of a stage over its steps.</summary>
/// <param name="Flow">The flow.</param>
/// <param name="Name">Such as "loss/alm".</param>
/// <param name="Points">By step, ascending.</param>
internal sealed record MetricSeries(string Flow, string Name, IReadOnlyList<(long Step, double Value)> Points)
{
    /// <summary>
    /// What a run's <c>metrics.jsonl</c> holds. A step that came again after a resume counts by its last line; a line that a kill cut is
    /// left out.
    /// </summary>
    public static IReadOnlyList<MetricSeries> Read(IStorage storage, string runFolder)
    {
        string path = Path.Combine(runFolder, RunFiles.Metrics);
        if (!storage.FileExists(path))
            return [];
        var series = new Dictionary<(string Flow, string Name), SortedDictionary<long, double>>();
        using var reader = new StreamReader(storage.OpenRead(path));
        while (reader.ReadLine() is { } line)
            Take(line, series);
        return [.. series.Select(s => new MetricSeries(s.Key.Flow, s.Key.Name, [.. s.Value.Select(p => (p.Key, p.Value))]))];
    }

    private static void Take(string line, Dictionary<(string Flow, string Name), SortedDictionary<long, double>> series)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            string flow = json.RootElement.GetProperty("flow").GetString()!;
            long step = json.RootElement.GetProperty("step").GetInt64();
            foreach (JsonProperty value in json.RootElement.EnumerateObject().Where(p => p.Name is not ("time" or "flow" or "stage" or "step")))
            {
                if (!series.TryGetValue((flow, value.Name), out SortedDictionary<long, double>? points))
                    series.Add((flow, value.Name), points = []);
                points[step] = value.Value.ValueKind == JsonValueKind.Number
                    ? value.Value.GetDouble()
                    : double.Parse(value.Value.GetString()!, CultureInfo.InvariantCulture);
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            // The last line of a process that was killed.
        }
    }
}
