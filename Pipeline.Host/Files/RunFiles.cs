
namespace Pipeline.Host.Files;

/// <summary>The names of the files and folders that the host itself keeps in a run folder.</summary>
internal static class RunFiles
{
    public const string Lock = "run.lock";
    public const string Definition = "definition.json";
    public const string Progress = "progress.json";
    public const string Metrics = "metrics.jsonl";
    public const string Rejects = "rejects.jsonl";
    public const string Changes = "changes.jsonl";
    public const string Errors = "errors.jsonl";
    public const string Report = "report.json";
    public const string Page = "report.html";
    public const string ReportParts = "report";
    public const string PartRecords = "parts";
    public const string Jobs = "jobs";
    public const string TensorBoard = "tensorboard";

    /// <summary>All of them. No stage may write there.</summary>
    public static IReadOnlyList<string> All { get; } =
        [Lock, Definition, Progress, Metrics, Rejects, Changes, Errors, Report, Page, ReportParts, PartRecords, Jobs, TensorBoard];
}
