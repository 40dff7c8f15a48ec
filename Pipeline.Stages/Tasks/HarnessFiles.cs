using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tasks;

/// <summary>Writes results and answers in the layout of lm-evaluation-harness, a folder for each model, for programs that read that layout.</summary>
internal static partial class HarnessFiles
{
    private static readonly JsonSerializerOptions Pretty = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Line = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes <c>results.json</c> of one model.</summary>
    /// <param name="storage">Where to.</param>
    /// <param name="folder">The model's folder.</param>
    /// <param name="report">The figures of all models.</param>
    /// <param name="model">The model's name in the report.</param>
    /// <param name="label">Where the model is, for people.</param>
    public static void WriteResults(IStorage storage, string folder, TaskReport report, string model, string label)
    {
        JsonObject ByTask(Func<TaskResult, JsonNode?> value) => new([.. report.Tasks.Select(t => KeyValuePair.Create(t.Name, value(t)))]);
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, double?>> results = report.Results[model];
        var json = new JsonObject
        {
            ["results"] = ByTask(t => new JsonObject([KeyValuePair.Create("alias", (JsonNode?)t.Name), .. results[t.Name].Select(r => KeyValuePair.Create(r.Key, r.Value is { } v ? JsonValue.Create(v) : (JsonNode?)"N/A"))])),
            ["versions"] = ByTask(t => t.Imitates ?? "own"),
            ["n-shot"] = ByTask(t => t.Shots),
            ["higher_is_better"] = ByTask(t => new JsonObject([.. t.Models[0].Figures.DistinctBy(f => f.Name).Select(f => KeyValuePair.Create(f.Name, (JsonNode?)f.HigherIsBetter))])),
            ["n-samples"] = ByTask(t => new JsonObject { ["original"] = t.Questions, ["effective"] = t.Questions }),
            ["config"] = new JsonObject { ["model"] = "alm", ["model_args"] = label, ["bootstrap_iters"] = report.Resamples, ["random_seed"] = report.Seed },
            ["model_name"] = model,
        };
        storage.WriteAtomically(Path.Combine(folder, "results.json"), stream => stream.Write(JsonSerializer.SerializeToUtf8Bytes(json, Pretty)));
    }

    /// <summary>Writes <c>samples_TASK.jsonl</c> of one model and task: a line for each question, once for every way that answers are found.</summary>
    public static void WriteSamples(IStorage storage, string folder, IReadOnlyList<TaskQuestion> questions, IReadOnlyList<TaskAnswer> answers, IReadOnlyList<TaskMetric> metrics)
        => storage.WriteAtomically(Path.Combine(folder, $"samples_{questions[0].Task.Name}.jsonl"), stream =>
        {
            foreach (string filter in metrics.Select(m => m.Filter).Distinct())
            {
                for (int i = 0; i < questions.Count; i++)
                    stream.Write(Encoding.UTF8.GetBytes(Sample(i, questions[i], answers[i], filter, metrics).ToJsonString(Line) + "\n"));
            }
        });

    /// <summary>The name of a model's folder: the model's name with plain characters only, numbered where two models would share it.</summary>
    public static string FolderOf(string model, IReadOnlyList<string> models)
    {
        string name = NotPlain().Replace(model, "__").Trim('.');
        int same = models.TakeWhile(m => m != model).Count(m => NotPlain().Replace(m, "__").Trim('.') == name);
        return same == 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}-{same + 1}");
    }

    private static JsonObject Sample(int index, TaskQuestion question, TaskAnswer answer, string filter, IReadOnlyList<TaskMetric> metrics)
    {
        IReadOnlyList<string> continuations = question.Continuations;
        var json = new JsonObject
        {
            ["doc_id"] = index,
            ["doc"] = JsonNode.Parse(question.Row),
            ["target"] = question.Choice is { } choice ? choice.Best : question.Target,
            ["arguments"] = continuations.Count == 0
                ? new JsonObject { ["gen_args_0"] = new JsonObject { ["arg_0"] = question.Prompt } }
                : new JsonObject([.. continuations.Select((c, i) => KeyValuePair.Create($"gen_args_{i}", (JsonNode?)new JsonObject { ["arg_0"] = question.Prompt, ["arg_1"] = c }))]),
            ["resps"] = answer.Text is { } text ? new JsonArray(new JsonArray((JsonNode?)text)) : new JsonArray([.. answer.Scores.Select(s => new JsonArray(JsonValue.Create(s)))]),
            ["filtered_resps"] = question.Task.Answers.FirstOrDefault(a => a.Name == filter) is { } pattern
                ? new JsonArray((JsonNode?)AnswerComparer.Found(question.Task, pattern, answer.Text!))
                : answer.Text is { } whole ? new JsonArray((JsonNode?)whole) : new JsonArray([.. answer.Scores.Select(s => (JsonNode?)s)]),
            ["filter"] = filter,
            ["metrics"] = new JsonArray([.. metrics.Where(m => m.Filter == filter && m.Values is not null).Select(m => (JsonNode?)m.Name)]),
        };
        foreach (TaskMetric metric in metrics.Where(m => m.Filter == filter && m.Values is not null))
            json[metric.Name] = metric.Values![index];
        return json;
    }

    [GeneratedRegex("[^A-Za-z0-9._-]+")]
    private static partial Regex NotPlain();
}
