using Pipeline.Contracts.Errors;
using Pipeline.Stages;
using Pipeline.Stages.Teacher;

namespace Pipeline.Host.Tests.Extending;

public sealed class FrequencyTeacherTests
{
    private static string Model => Path.Combine(Repository.Root, "data", "models", "tiny-llama");

    [Fact]
    public async Task It_scores_and_what_needs_more_than_it_knows_is_refused_before_any_work()
    {
        using var folder = new TemporaryFolder();
        string counts = folder.Write("counts", string.Join('\n', Enumerable.Range(1, 1024)));
        string texts = folder.Write("texts.jsonl", """{"text": "Tom has 3 apples."}""");
        string definition = folder.Write("d.json", Alm.Definition($$"""
            { "stage": "read-jsonl", "files": ["{{texts}}"] }, { "stage": "tokenize" },
            { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards", "count": 1 }
            """, $$"""
            "teacher": { "backend": "frequency", "model": "{{counts}}", "tokenizer": "{{Model}}" },
            "student": { "model": "{{Model}}", "tokenizer": "bytes" },
            """));

        Assert.Equal(ExitCodes.Success, (await RunAsync("run", definition, "--run", folder["run"])).Code);
        Assert.Matches("boundary masses +not known", (await RunAsync("inspect", folder["run/shards"])).Output);

        AlmAnswer refused = await RunAsync("check", definition, "--set", "flows.only.score-teacher.hiddenLayers=[-1]");
        Assert.Equal(ExitCodes.Definition, refused.Code);
        Assert.Contains("frequency", refused.Error, StringComparison.Ordinal);
    }

    private static Task<AlmAnswer> RunAsync(params string[] arguments)
        => Alm.RunAsync(arguments, stages: StageTable.All, teachers: [.. TeacherTable.All, FrequencyTeacher.Registration]);
}
