using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Comparison;
using Pipeline.Host.Files;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Tasks;

namespace Pipeline.Host.Pages;

/// <summary>What the folder of a finished run says about it.</summary>
/// <param name="Name">The name in the definition.</param>
/// <param name="Folder">The run folder, as it was given.</param>
/// <param name="Report">The content of <c>report.json</c>.</param>
/// <param name="Metrics">The content of <c>metrics.jsonl</c>.</param>
/// <param name="Definition">The definition as JSON, with all defaults. Empty if the folder has none.</param>
internal sealed record RunRecord(string Name, string Folder, JsonObject Report, IReadOnlyList<MetricSeries> Metrics, string Definition)
{
    public IEnumerable<(string Name, JsonObject State)> Flows
        => (Report["flows"] as JsonObject ?? []).Where(f => f.Value is JsonObject).Select(f => (f.Key, (JsonObject)f.Value!));

    /// <summary>The reports of <c>evaluate</c> stages, by the name of the part.</summary>
    public IEnumerable<(string Name, EvaluationReport Report)> Judgements
        => Parts.Where(p => Judgement.IsJudgement(p.Part)).Select(p => (p.Name, EvaluationTable.FromJson(JsonSerializer.SerializeToUtf8Bytes(p.Part))));

    /// <summary>The reports of <c>judge-tasks</c> stages.</summary>
    public IEnumerable<TaskReport> TaskReports
        => Parts.Where(p => TaskReport.IsReport(JsonSerializer.SerializeToElement(p.Part))).Select(p => TaskReport.FromJson(JsonSerializer.SerializeToUtf8Bytes(p.Part)));

    /// <summary>Everything that stages have left for the report, by name.</summary>
    public IEnumerable<(string Name, JsonNode Part)> Parts
        => (Report["parts"] as JsonObject ?? []).Where(p => p.Value is not null).Select(p => (p.Key, p.Value!));

    /// <summary>Reads the folder of a run.</summary>
    /// <exception cref="Contracts.Errors.InputException">The run is not done, or its report is damaged.</exception>
    public static RunRecord Read(IStorage storage, string folder)
    {
        string full = Path.GetFullPath(folder), definition = Path.Combine(full, RunFiles.Definition);
        return RunReport.Read(storage, folder, report => new RunRecord(
            (string?)report["run"] ?? Path.GetFileName(full), folder, report, MetricSeries.Read(storage, full), storage.FileExists(definition) ? Text(storage, definition) : ""));
    }

    private static string Text(IStorage storage, string path)
    {
        using var reader = new StreamReader(storage.OpenRead(path));
        return reader.ReadToEnd();
    }
}
