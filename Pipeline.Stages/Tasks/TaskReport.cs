using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pipeline.Stages.Tasks;

/// <summary>What <c>judge-tasks</c> found.</summary>
/// <param name="Tasks">The tasks, in the order in which they were asked.</param>
/// <param name="Reference">The model that the others are compared with; null where there is none.</param>
/// <param name="Seed">The seed of the bootstrap samples.</param>
/// <param name="Resamples">How many samples were drawn.</param>
public sealed record TaskReport(IReadOnlyList<TaskResult> Tasks, string? Reference, int Seed, int Resamples)
{
    private static readonly JsonSerializerOptions Layout = new(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n" };

    /// <summary>How the figures were computed, in words, so that a report can be read alone.</summary>
    public string Rule { get; init; } =
        "acc: the choice with the largest sum of log p of its tokens is right; acc_norm and acc_bytes: by that sum over its characters and over its UTF-8 bytes. truths: the "
        + "true choices' share of the probability of all. exact_match: what the filter's pattern finds equals the right answer. error: of a mean the standard deviation over the "
        + "square root of the number of questions, of others that of the samples. low, high: between them lie 95 % of the samples (bootstrap over questions). difference: less the "
        + "reference's figure on the same samples; p: McNemar's exact test, or drawn signs where figures are not 0 or 1.";

    public int Version { get; init; } = 1;

    /// <summary>The same figures by model and task, under the names that lm-evaluation-harness gives them.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, IReadOnlyDictionary<string, double?>>> Results
        => Tasks.SelectMany(t => t.Models.Select(m => m.Name)).Distinct(StringComparer.Ordinal).ToDictionary(
            model => model,
            model => (IReadOnlyDictionary<string, IReadOnlyDictionary<string, double?>>)Tasks.ToDictionary(t => t.Name, t => t.Models.First(m => m.Name == model).ByKey()));

    /// <summary>Whether a part of a run's report is a report of tasks.</summary>
    public static bool IsReport(JsonElement part) => part.ValueKind == JsonValueKind.Object && part.TryGetProperty("tasks", out _) && part.TryGetProperty("resamples", out _);

    /// <summary>Reads a report that <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">The text is not a report.</exception>
    public static TaskReport FromJson(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize<TaskReport>(json, Layout) ?? throw new JsonException("the report is null");

    /// <summary>Writes a report as JSON in UTF-8, with a line feed at the end.</summary>
    public static byte[] ToJson(TaskReport report) => [.. JsonSerializer.SerializeToUtf8Bytes(report, Layout), (byte)'\n'];
}

/// <summary>The figures of all models on one task.</summary>
/// <param name="Name">The task's name.</param>
/// <param name="Kind">The kind of the task.</param>
/// <param name="Wording">Where the words of the prompts are from.</param>
/// <param name="Imitates">The program and task whose rule of judging is followed; null where it is Alm's own.</param>
/// <param name="Shots">How many answered questions came before each prompt.</param>
/// <param name="Questions">How many questions every model was asked.</param>
/// <param name="Models">The models in the order of the definition, then the ensembles.</param>
public sealed record TaskResult(string Name, string Kind, string Wording, string? Imitates, int Shots, int Questions, IReadOnlyList<TaskModelResult> Models);

/// <summary>The figures of a model on a task.</summary>
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

/// <summary>A figure, and how certain it is.</summary>
/// <param name="Name">Its name, as in lm-evaluation-harness.</param>
/// <param name="Filter">The way in which answers were found in written text; "none" otherwise.</param>
/// <param name="Value">The figure; null where the questions do not determine it.</param>
/// <param name="Error">Its standard error; null where it cannot be estimated.</param>
/// <param name="Low">The lower end of the interval that holds 95 % of the samples.</param>
/// <param name="High">The upper end.</param>
/// <param name="HigherIsBetter">False for perplexities and for bias.</param>
/// <param name="Versus">The difference from the reference; null where there is none, and for the reference itself.</param>
public sealed record TaskFigure(
    string Name, string Filter, double? Value, double? Error, double? Low, double? High, bool HigherIsBetter, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TaskDifference? Versus);

/// <summary>A figure minus the reference's figure on the same questions.</summary>
/// <param name="Difference">The difference; null where one of the two figures is null.</param>
/// <param name="Low">The lower end of the interval that holds 95 % of the samples.</param>
/// <param name="High">The upper end.</param>
/// <param name="P">The p-value of the difference (<see cref="Resampling.PairedP"/>); null for figures that are not a mean over questions.</param>
public sealed record TaskDifference(double? Difference, double? Low, double? High, double? P);
