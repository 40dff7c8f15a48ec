using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pipeline.Stages.Tasks;

/// <summary>What <c>judge-tasks</c> found.</summary>
/// <param name="Tasks">In the order they were asked.</param>
/// <param name="Reference">The model that others are compared with; null: none.</param>
/// <param name="Seed">Of the samples.</param>
/// <param name="Resamples">How many.</param>
public sealed record TaskReport(IReadOnlyList<TaskResult> Tasks, string? Reference, int Seed, int Resamples)
{
    private static readonly JsonSerializerOptions Layout = new(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n" };

    /// <summary>The rules in words, so that a report can be read alone.</summary>
    public string Rule { get; init; } =
        "acc: the choice with the largest sum of log p of its tokens is right; acc_norm and acc_bytes: by that sum over its characters and over its UTF-8 bytes. truths: the "
        + "true choices' share of the probability of all. exact_match: what the filter's pattern finds equals the right answer. error: of a mean the standard deviation over the "
        + "square root of the number of questions, of others that of the samples. low, high: between them lie 95 % of the samples (bootstrap over questions). difference: less the "
        + "reference's figure on the same samples; p: McNemar's exact test, or drawn signs where figures are not 0 or 1.";

    public int Version { get; init; } = 1;

    /// <summary>The same figures by model and task under the names that lm-evaluation-harness gives them.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, IReadOnlyDictionary<string, double?>>> Results
        => Tasks.SelectMany(t => t.Models.Select(m => m.Name)).Distinct(StringComparer.Ordinal).ToDictionary(
            model => model,
            model => (IReadOnlyDictionary<string, IReadOnlyDictionary<string, double?>>)Tasks.ToDictionary(t => t.Name, t => t.Models.First(m => m.Name == model).ByKey()));

    public static bool IsReport(JsonElement part) => part.ValueKind == JsonValueKind.Object && part.TryGetProperty("tasks", out _) && part.TryGetProperty("resamples", out _);

    /// <exception cref="JsonException">It is not a report.</exception>
    public static TaskReport FromJson(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize<TaskReport>(json, Layout) ?? throw new JsonException("the report is null");

    public static byte[] ToJson(TaskReport report) => [.. JsonSerializer.SerializeToUtf8Bytes(report, Layout), (byte)'\n'];
}

/// <summary>A task, and every model on it.</summary>
/// <param name="Name">The task's.</param>
/// <param name="Kind">What it asks.</param>
/// <param name="Wording">Whose words.</param>
/// <param name="Imitates">Whose rule of judging; null: this program's own.</param>
/// <param name="Shots">Answered questions in front.</param>
/// <param name="Questions">Asked of every model.</param>
/// <param name="Models">In the order of the definition; ensembles last.</param>
public sealed record TaskResult(string Name, string Kind, string Wording, string? Imitates, int Shots, int Questions, IReadOnlyList<TaskModelResult> Models);

/// <summary>A model on a task.</summary>
public sealed record TaskModelResult(string Name, IReadOnlyList<TaskFigure> Figures)
{
    internal IReadOnlyDictionary<string, double?> ByKey()
    {
        var keys = new Dictionary<string, double?>();
        foreach (TaskFigure figure in Figures)
        {
            keys[$"{figure.Name},{figure.Filter}"] = figure.Value;
            keys[$"{figure.Name}_stderr,{figure.Filter}"] = figure.Error;
        }
        return keys;
    }
}

/// <summary>A figure with how sure it is.</summary>
/// <param name="Name">The harness's.</param>
/// <param name="Filter">How answers were found; "none" where they were not written.</param>
/// <param name="Value">Null where the questions do not say it.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="Low">Where 95 % of the samples begin.</param>
/// <param name="High">Where they end.</param>
/// <param name="HigherIsBetter">False of perplexities and of bias.</param>
/// <param name="Versus">Compared with the reference; null if there is none, and for the reference itself.</param>
public sealed record TaskFigure(
    string Name, string Filter, double? Value, double? Error, double? Low, double? High, bool HigherIsBetter, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TaskDifference? Versus);

/// <summary>A figure less the reference's on the same questions.</summary>
/// <param name="Difference">Null where one of the two is.</param>
/// <param name="Low">Where 95 % of the samples begin.</param>
/// <param name="High">Where they end.</param>
/// <param name="P">How probable so large a difference is by chance; null for figures that are not a mean over questions.</param>
public sealed record TaskDifference(double? Difference, double? Low, double? High, double? P);
