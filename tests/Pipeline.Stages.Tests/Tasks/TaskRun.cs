using System.Text.Json.Nodes;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Tasks;
using Pipeline.Stages.Tests.Evaluation;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Tests.Tasks;

/// <summary>A run folder with tiny random models over bytes, the shipped tasks, and their miniatures.</summary>
internal sealed class TaskRun : IDisposable
{
    public static readonly string Root = FindRoot();

    public TaskRun()
    {
        Device = TestDevice.Create();
        Run.Add(Device);
        Run.Add(new TokenizerStore(Run.Storage));
        Run.Add<IRanks>(OneRank.Instance);
        ByteModels.Save(Run.PathOf("a"), 3, Run.Storage);
        ByteModels.Save(Run.PathOf("b"), 4, Run.Storage);
    }

    public StageHarness Run { get; } = new();

    public TorchDevice Device { get; }

    /// <summary>Names of the task files that the program comes with.</summary>
    public static IEnumerable<string> Shipped => Directory.GetFiles(Path.Combine(Root, "pipelines", "tasks"), "*.json").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    /// <summary>A shipped task with its miniature.</summary>
    public static NamedTask Mini(string name)
    {
        string examples = Path.Combine(Root, "tests", "data", "tasks", name + ".examples.jsonl");
        return new NamedTask
        {
            File = Path.Combine(Root, "pipelines", "tasks", name + ".json"),
            Data = [Path.Combine(Root, "tests", "data", "tasks", name + ".jsonl")],
            Examples = File.Exists(examples) ? examples : null,
        };
    }

    /// <summary>A task file of this run.</summary>
    public NamedTask Task(string name, string json, params string[] lines)
    {
        File.WriteAllText(Run.PathOf(name + ".json"), json);
        File.WriteAllLines(Run.PathOf(name + ".jsonl"), lines);
        return new NamedTask { File = Run.PathOf(name + ".json") };
    }

    /// <summary>The task with another value of a key.</summary>
    public NamedTask With(NamedTask task, string key, JsonNode value)
    {
        JsonNode json = JsonNode.Parse(File.ReadAllText(task.File))!;
        json[key] = value;
        string path = Run.PathOf("with-" + Path.GetFileName(task.File));
        File.WriteAllText(path, json.ToJsonString());
        return task with { File = path };
    }

    public Task<List<TaskQuestion>> ReadAsync(params NamedTask[] tasks) => ReadAsync(0, tasks);

    public async Task<List<TaskQuestion>> ReadAsync(int most, params NamedTask[] tasks)
        => await Made.ReadTasks(new() { Tasks = tasks, MaxQuestions = most }, Run.Context()).ReadAsync(default).ToListAsync();

    public async Task<TaskReport> JudgeAsync(IEnumerable<TaskQuestion> questions, JudgeTasksOptions? options = null, StageContext? context = null)
    {
        await Made.JudgeTasks(options ?? Options, context ?? Run.Context()).RunAsync(questions.ToAsyncEnumerable(), default);
        return TaskReport.FromJson(File.ReadAllBytes(Run.PathOf("report/tasks.json")));
    }

    public static JudgeTasksOptions Options => new() { Models = [new() { Model = "run:a" }], BatchTokens = 300, Batch = 3, Resamples = 200 };

    public void Dispose()
    {
        Device.Dispose();
        Run.Dispose();
    }

    private static string FindRoot()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Alm.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
