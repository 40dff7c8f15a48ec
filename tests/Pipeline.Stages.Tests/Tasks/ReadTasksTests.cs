using System.Globalization;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tasks;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Tests.Torch;

namespace Pipeline.Stages.Tests.Tasks;

/// <summary>Task files and their data as questions.</summary>
[Collection(TorchCollection.Name)]
public sealed class ReadTasksTests : IDisposable
{
    private readonly TaskRun _run = new();

    public void Dispose() => _run.Dispose();

    public static TheoryData<string> Shipped => [.. TaskRun.Shipped];

    [Theory]
    [MemberData(nameof(Shipped))]
    public async Task A_shipped_task_reads_its_miniature_and_Parquet_of_it_alike(string name)
    {
        NamedTask task = TaskRun.Mini(name);
        List<TaskQuestion> questions = await _run.ReadAsync(task);
        Assert.InRange(questions.Count, 2, 100);
        Assert.All(questions, q => Assert.Equal(name, q.Task.Name));
        Assert.All(questions, q => Assert.DoesNotContain("{", q.Task.Kind == TaskKind.Answer ? "" : q.Prompt, StringComparison.Ordinal));
        Assert.All(questions, q => Assert.True(q.Choice is not null || q.Target is not null || q.Asked.Count > 0 || q.Continuation is not null));
        // Only what is said not to be checked is left out.
        Assert.Equal(name == "ifeval" ? 1 : 0, _run.Run.Rejected.Count);

        string path = _run.Run.PathOf("data.parquet");
        if (questions[0].Task.Kind == TaskKind.Instructions)
            return;
        Duck.Write(path, string.Create(CultureInfo.InvariantCulture, $"SELECT * FROM read_json('{task.Data[0]}', format = 'newline_delimited')"), "COMPRESSION zstd");
        List<TaskQuestion> same = await _run.ReadAsync(task with { Data = [path] });
        Assert.Equal(questions.Select(q => q.Prompt), same.Select(q => q.Prompt));
        Assert.Equal(questions.SelectMany(q => q.Continuations), same.SelectMany(q => q.Continuations));
        Assert.Equal(questions.Select(q => (q.Target, q.Choice?.Best, q.Choice?.Bias)), same.Select(q => (q.Target, q.Choice?.Best, q.Choice?.Bias)));
    }

    [Fact]
    public async Task Wording_labels_lists_and_shots_are_put_together_as_the_file_says()
    {
        TaskQuestion arc = (await _run.ReadAsync(TaskRun.Mini("arc_easy")))[1];
        Assert.Equal("Science question: What does ice become when it is warm?\nAnswer:", arc.Prompt);
        Assert.Equal([" sand", " water"], arc.Choice!.Choices);
        Assert.Equal([false, true], arc.Choice.AreTrue);

        TaskQuestion net = (await _run.ReadAsync(TaskRun.Mini("hellaswag")))[1];
        Assert.Equal("Mending a net. Knots. An old man sits on the quay. he", net.Prompt);

        // Answered questions are of the question's own subject, the first five of them.
        TaskQuestion spider = (await _run.ReadAsync(TaskRun.Mini("mmlu")))[0];
        Assert.Equal(6, spider.Prompt.Split("Right is:").Length - 1);
        Assert.StartsWith("Question: How many heads have 1 cows?\n(A) 0\n(B) 1\n(C) 2\n(D) 3\nRight is: B\n\nQuestion: How many heads have 2 cows?", spider.Prompt, StringComparison.Ordinal);
        Assert.DoesNotContain("+ 1", spider.Prompt, StringComparison.Ordinal);
        Assert.Equal([" A", " B", " C", " D"], spider.Choice!.Choices);

        TaskQuestion plums = (await _run.ReadAsync(TaskRun.Mini("gsm8k") with { Shots = 1 }))[1];
        Assert.Equal(
            "Problem: Ada has 2 plums and gets 5 more. How many plums has Ada?\nSolution: Ada has 2 + 5 = <<2+5=7>>7 plums.\n#### 7\n\nProblem: Olaf has 800 plums and gets 400 more. How many plums has Olaf?\nSolution:",
            plums.Prompt);
        Assert.Equal("1,200", plums.Target);
        Assert.Equal("\\frac{3}{2}", (await _run.ReadAsync(TaskRun.Mini("hendrycks_math")))[0].Target);
        Assert.Equal(" Ida has 3 + 4 = <<3+4=7>>7 plums.\n#### 7", (await _run.ReadAsync(TaskRun.Mini("gsm8k_solutions")))[0].Continuation);
    }

    [Fact]
    public async Task A_question_is_not_its_own_example_and_questions_can_be_counted_off()
    {
        NamedTask mini = TaskRun.Mini("gsm8k"), own = mini with { Data = [mini.Examples!], Shots = 2 };
        List<TaskQuestion> questions = await _run.ReadAsync(3, own);
        Assert.Equal(3, questions.Count);
        Assert.StartsWith("Problem: Bo", questions[0].Prompt, StringComparison.Ordinal);
        Assert.Contains("\n\nProblem: Cy has", questions[0].Prompt, StringComparison.Ordinal);
        Assert.EndsWith("How many plums has Ada?\nSolution:", questions[0].Prompt, StringComparison.Ordinal);
        Assert.StartsWith("Problem: Ada", questions[1].Prompt, StringComparison.Ordinal);
        Assert.Equal([0L, 1, 2], questions.Select(q => q.Id.Row));

        List<TaskQuestion> skipped = await _run.ReadAsync(_run.With(own, "skip", 4));
        Assert.Equal([4L], skipped.Select(q => q.Id.Row));
    }

    [Fact]
    public async Task Rows_that_lack_something_are_rejected_with_file_and_row()
    {
        NamedTask task = _run.Task(
            "t",
            """{ "name": "t", "kind": "choices", "wording": "own", "data": ["t.jsonl"], "columns": { "q": "q", "c": "c", "g": "g" }, "prompt": "{{{q}}}", "choicesFrom": "c", "gold": "g", "goldLabels": ["yes", "no"] }""",
            """{"q": "one", "c": ["a", "b"], "g": "no"}""", """{"c": ["a", "b"], "g": "no"}""", "no json", """{"q": "x", "c": [], "g": "no"}""", """{"q": "x", "c": ["a", "b"], "g": "maybe"}""", """{"q": "x", "c": ["a"], "g": "yes"}""");
        TaskQuestion question = Assert.Single(await _run.ReadAsync(task));
        Assert.Equal(("{one}", 1), (question.Prompt, question.Choice!.Best));
        Assert.Equal([1L, 2, 3, 4, 5], _run.Run.Rejected.Select(r => r.Id.Row));
        Assert.Contains("t.jsonl: row 2: column 'q' ('q')", _run.Run.Rejected[0].Message, StringComparison.Ordinal);
        Assert.Contains("'maybe' of 'yes', 'no'", _run.Run.Rejected[3].Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string> Faults => new()
    {
        { "gsm8k", """{ "maxByte": 3 }""", "maxByte" },
        { "gsm8k", """{ "prompt": "{nothing}" }""", "'prompt' has {nothing}, which is not one of 'columns' ('question', 'answer')" },
        { "gsm8k", """{ "prompt": "{question" }""", "not closed" },
        { "gsm8k", """{ "answers": [{ "name": "a", "pattern": "(" }] }""", "'answers[0]': '(' is not a .NET regular expression" },
        { "gsm8k", """{ "answers": [] }""", "'answers', the ways to find" },
        { "gsm8k", """{ "examples": null }""", "'shots' needs 'examples'" },
        { "gsm8k", """{ "stop": [""] }""", "'stop' holds an empty text" },
        { "gsm8k", """{ "kind": "riddle" }""", "kind" },
        { "piqa", """{ "gold": "key" }""", "'gold' names 'key', which is not one of 'columns'" },
        { "piqa", """{ "choicesFrom": "goal" }""", "either 'choices', a list, or 'choicesFrom'" },
        { "piqa", """{ "name": "a/b" }""", "'name' is 'a/b'" },
        { "bbq", """{ "prompt": "{question}" }""", "{context} and {question}" },
        { "ifeval", """{ "checks": { "a": { "count": "x" } } }""", "'checks.a': expected one of 'atLeast'" },
        { "ifeval", """{ "checks": { "a": { "count": "[", "atLeast": "1" } } }""", "'[' is not a .NET regular expression" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_task_file_that_breaks_rules_is_refused_by_name(string task, string changes, string says)
    {
        NamedTask broken = TaskRun.Mini(task);
        foreach ((string key, JsonNode? value) in JsonNode.Parse(changes)!.AsObject())
            broken = _run.With(broken, key, value?.DeepClone()!);
        broken = broken with { Examples = null };
        InputException e = await Assert.ThrowsAsync<InputException>(() => _run.ReadAsync(broken));
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.StartsWith(_run.Run.Folder, e.Message, StringComparison.Ordinal);
    }
}
