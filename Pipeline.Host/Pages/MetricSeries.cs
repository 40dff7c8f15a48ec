using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;

namespace Pipeline.Host.Pages;

/// <summary>
/// One value of a training over its steps. If there are many steps, each point is a mean: a page does not show more, and all values of a long run might
/// not fit into memory.
/// </summary>
/// <param name="Flow">The name of the flow.</param>
/// <param name="Name">The name of the value, such as "loss/alm".</param>
/// <param name="Each">How many steps a point is the mean of. The last point may be the mean of fewer.</param>
/// <param name="Points">In ascending order, the last step of each point, and the mean of its finite values, or NaN if it has none.</param>
/// <param name="Last">The value of the last step alone.</param>
internal sealed record MetricSeries(string Flow, string Name, int Each, IReadOnlyList<(long Step, double Value)> Points, double Last)
{
    /// <summary>
    /// Reads the <c>metrics.jsonl</c> of a run. If steps were taken again after a resume, their last lines count, except in a point that also stands for
    /// steps before the resume. A line that was cut off when the process was killed is left out.
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
            // This is the last line of a process that was killed.
        }
    }
}
