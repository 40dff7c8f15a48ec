using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;

namespace Pipeline.Host.Pages;

/// <summary>One value of a stage over its steps; of many steps, means: a page shows no more, and a long run's would not fit into memory.</summary>
/// <param name="Flow">The flow.</param>
/// <param name="Name">Such as "loss/alm".</param>
/// <param name="Each">How many steps a point is the mean of; the last one may be of fewer.</param>
/// <param name="Points">By step, ascending: the last step of each point, and the mean of its finite values, or NaN.</param>
/// <param name="Last">The last step's own value.</param>
internal sealed record MetricSeries(string Flow, string Name, int Each, IReadOnlyList<(long Step, double Value)> Points, double Last)
{
    /// <summary>
    /// What a run's <c>metrics.jsonl</c> holds. A step that came again after a resume counts by its last line, but for those that are in one point
    /// with steps before the resume; a line that a kill cut is left out.
    /// </summary>
    public static IReadOnlyList<MetricSeries> Read(IStorage storage, string runFolder)
    {
        string path = Path.Combine(runFolder, RunFiles.Metrics);
        if (!storage.FileExists(path))
            return [];
        var series = new Dictionary<(string Flow, string Name), MetricMeans>();
        using var reader = new StreamReader(storage.OpenRead(path));
        while (reader.ReadLine() is { } line)
            Take(line, series);
        return [.. series.Select(s => new MetricSeries(s.Key.Flow, s.Key.Name, s.Value.Each, s.Value.Points, s.Value.Last))];
    }

    private static void Take(string line, Dictionary<(string Flow, string Name), MetricMeans> series)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            string flow = json.RootElement.GetProperty("flow").GetString()!;
            long step = json.RootElement.GetProperty("step").GetInt64();
            foreach (JsonProperty value in json.RootElement.EnumerateObject().Where(p => p.Name is not ("time" or "flow" or "stage" or "step")))
            {
                double number = value.Value.ValueKind == JsonValueKind.Number
                    ? value.Value.GetDouble()
                    : double.Parse(value.Value.GetString()!, CultureInfo.InvariantCulture);
                if (!series.TryGetValue((flow, value.Name), out MetricMeans? means))
                    series.Add((flow, value.Name), means = new MetricMeans());
                means.Add(step, number);
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            // The last line of a process that was killed.
        }
    }
}
