using System.Text.Json.Nodes;
using Pipeline.Host.Tests.Rules;
using Pipeline.Stages.Tasks;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Commands;

/// <summary>Tasks from the command line and from definitions.</summary>
public sealed class TasksCommandTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string Teacher = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
    private readonly RuleRun _run = new();

    public void Dispose() => _run.Dispose();

    /// <summary>The whole way on real questions: a teacher, its byte student and a subword student write answers and say how likely the solutions are.</summary>
    [Fact]
    public async Task Gsm8k_is_asked_of_a_teacher_its_byte_student_and_a_student_of_another_tokenizer()
    {
        if (SharedFolder.Below("data", output) is not { } data || SharedFolder.Below("tokenizers/gpt2", output) is not { } tokenizer)
            return;
        string questions = Path.Combine(data, "gsm8k-train.parquet");
        foreach ((string name, string other) in ((string, string)[])[("bytes", "bytes"), ("words", tokenizer)])
            Assert.Equal(0, (await Alm.RunAsync(["transfer", "--model", Teacher, "--tokenizer", other, "-o", _run[name]])).Code);
        // Shorter answers than the task allows: these models have no end.
        JsonNode task = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "pipelines", "tasks", "gsm8k.json")))!;
        task["maxBytes"] = 40;
        string written = _run.Write("gsm8k.json", task.ToJsonString()), likelihoods = Path.Combine(Repository.Root, "pipelines", "tasks", "gsm8k_solutions.json");
        string[] arguments =
        [
            "evaluate", "--model", $"teacher={Teacher}", "--model", $"bytes={_run["bytes"]}", "--model", $"words={_run["words"]}", "--reference", "teacher",
            "--tasks", written, likelihoods, "--task-data", $"gsm8k={questions}", "--task-data", $"gsm8k_solutions={questions}", "--task-examples", $"gsm8k={questions}", "--shots", "1",
            "--task-examples", $"gsm8k_solutions={questions}", "--max-questions", "3", "--json", _run["report.json"], "--out", _run["out"],
        ];

        AlmAnswer answer = await Alm.RunAsync(arguments), again = await Alm.RunAsync(arguments);

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Equal(answer.Output, again.Output);
        Assert.Contains("95 % interval", answer.Output, StringComparison.Ordinal);
        TaskReport report = TaskReport.FromJson(await File.ReadAllBytesAsync(_run["report.json"]));
        Assert.Equal(["gsm8k", "gsm8k_solutions"], report.Tasks.Select(t => t.Name));
        Assert.All(report.Tasks, t => Assert.Equal((3, 3), (t.Questions, t.Models.Count)));
        Assert.All(report.Tasks.SelectMany(t => t.Models).SelectMany(m => m.Figures), f => Assert.True(f.Value >= f.Low && f.Value <= f.High));
        Assert.All(report.Tasks[1].Models, m => Assert.InRange(m.Figures.First(f => f.Name == "bits_per_byte").Value!.Value, 0.5, 40));
        Assert.NotNull(report.Tasks[1].Models[2].Figures[0].Versus!.Difference);
        // Every model is asked the same, whatever its tokenizer.
        string[] prompts = Prompts("teacher");
        Assert.Equal(6, prompts.Length);
        Assert.Equal(prompts, Prompts("bytes"));
        Assert.Equal(prompts, Prompts("words"));
        Assert.Equal(["exact_match,strict-match", "exact_match_stderr,strict-match"], JsonNode.Parse(await File.ReadAllTextAsync(_run["out/tasks/bytes/results.json"]))!["results"]!["gsm8k"]!.AsObject().Select(r => r.Key).Skip(1).Take(2));

        string[] Prompts(string model) => [.. File.ReadLines(_run[$"out/tasks/{model}/samples_gsm8k.jsonl"]).Select(l => (string)JsonNode.Parse(l)!["arguments"]!["gen_args_0"]!["arg_0"]!)];
    }

    [Fact]
    public async Task A_definition_judges_by_tasks_and_its_page_shows_them()
    {
        (string file, string run, _) = _run.Place($$"""
            { "name": "x", "flows": [ { "name": "f", "stages": [ { "stage": "read-tasks", "tasks": [ {{Mini("piqa")}}, {{Mini("arc_easy")}} ] },
              { "stage": "judge-tasks", "models": [ { "name": "a", "model": "{{_run.Model()}}" }, { "name": "b", "model": "{{_run.Model("other", 4)}}" } ], "reference": "a", "resamples": 100 } ] } ] }
            """);
        Assert.Equal(0, (await RuleRun.AskAsync("check", file, "--run", run)).Code);
        AlmAnswer answer = await RuleRun.AskAsync("run", file, "--run", run, "--plain");
        Assert.True(answer.Code == 0, answer.Error);
        string page = await File.ReadAllTextAsync(Path.Combine(run, "report.html"));
        Assert.Contains("<h3>arc_easy</h3>", page, StringComparison.Ordinal);
        Assert.Contains("less a", page, StringComparison.Ordinal);
        JsonNode part = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(run, "report.json")))!["parts"]!["tasks"]!;
        Assert.NotNull((double?)part["results"]!["b"]!["piqa"]!["acc,none"]);
        Assert.True(File.Exists(Path.Combine(run, "tasks", "b", "samples_arc_easy.jsonl")));
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "‹1›[]", "'tasks' is empty" },
        { "[ { \"file\": ‹1›\"no/such.json\" } ]", "no/such.json does not exist" },
        { "[ { \"file\": ‹1›\"TASKS/piqa.json\" } ]", "piqa.parquet does not exist; this program does not include the data of tasks" },
        { "[ { \"file\": \"TASKS/piqa.json\", \"data\": ‹1›[\"DATA/boolq.jsonl\"] } ]", "has no column 'goal', 'sol1', 'sol2'; it has 'question', 'passage', 'idx', 'label'" },
        { "[ { \"file\": ‹1›\"BROKEN\" } ]", "'(' is not a .NET regular expression" },
        { "[ { \"file\": \"TASKS/piqa.json\", \"data\": ‹1›[\"run:nothing\"] } ]", "'run:nothing' is not in the run folder" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public Task Tasks_that_cannot_be_asked_are_refused_before_any_work(string tasks, string says)
    {
        string broken = _run.Write("broken.json", """{ "name": "b", "kind": "answer", "wording": "own", "data": [], "columns": { "a": "a" }, "prompt": "{a}", "target": "{a}", "answers": [{ "name": "x", "pattern": "(" }] }""");
        return _run.RefusedAsync($$"""
            { "name": "x", "flows": [ { "name": "f", "stages": [ { "stage": "read-tasks", "tasks": {{tasks.Replace("TASKS", Path.Combine(Repository.Root, "pipelines", "tasks"), StringComparison.Ordinal)
                .Replace("DATA", Path.Combine(Repository.Root, "tests", "data", "tasks"), StringComparison.Ordinal).Replace("BROKEN", broken, StringComparison.Ordinal)}} },
              { "stage": "judge-tasks", "models": [ { "model": "{{_run.Model()}}" } ] } ] } ] }
            """, says);
    }

    [Fact]
    public Task A_reference_that_is_no_model_is_refused() => _run.RefusedAsync($$"""
        { "name": "x", "flows": [ { "name": "f", "stages": [ { "stage": "read-tasks", "tasks": [ {{Mini("piqa")}} ] }, { "stage": "judge-tasks", "models": [ { "name": "a", "model": "{{_run.Model()}}" } ], "reference": ‹1›"b" } ] } ] }
        """, "'reference' names 'b', which is not one of 'a'");

    [Theory]
    [InlineData("'--text' or '--tasks' is required", "--model", "M")]
    [InlineData("--shots applies to tasks", "--model", "M", "--text", "T", "--shots", "1")]
    [InlineData("expected TASK=FILE, TASK one of t", "--model", "M", "--tasks", "t.json", "--task-data", "other=x")]
    public async Task Options_that_do_not_go_together_are_refused(string says, params string[] arguments)
    {
        AlmAnswer answer = await Alm.RunAsync(["evaluate", .. arguments.Select(a => a == "M" ? Teacher : a == "T" ? _run.Write("t.txt", "text") : a)]);
        Assert.Equal(64, answer.Code);
        Assert.Contains(says, answer.Error, StringComparison.Ordinal);
    }

    private static string Mini(string name)
        => $$"""{ "file": "{{Path.Combine(Repository.Root, "pipelines", "tasks", name + ".json")}}", "data": ["{{Path.Combine(Repository.Root, "tests", "data", "tasks", name + ".jsonl")}}"] }""";
}
