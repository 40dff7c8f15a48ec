namespace Pipeline.Host.Tests.Rules;

/// <summary>What is known to be wrong with scores that were made elsewhere before any of them is kept.</summary>
public sealed class ImportRuleTests : IDisposable
{
    private const string Line = """{"text": "ab", "bytes": ["a", "b"], "ids": [97, 98], "logLikelihoods": [null, -1], "mass": [-1, -2], "least": [-3, -3], "most": [-1, -1]}""";

    private readonly RuleRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("", "'bytes' is not given")]
    [InlineData("\"ids\": ‹1›\"ids\"", "'bytes' is not given")]
    [InlineData("\"bytes\": \"bytes\", \"tokenizer\": ‹1›\"bytes\"", "'ids' is not given")]
    [InlineData("\"bytes\": \"bytes\", \"boundaryLower\": ‹1›\"least\"", "'boundaryLower' and 'boundaryUpper' go together")]
    [InlineData("\"bytes\": \"bytes\", \"boundary\": \"mass\", \"boundaryLower\": ‹1›\"least\", \"boundaryUpper\": \"most\"", "both given; give one or the other")]
    public Task Fields_that_do_not_fit_each_other_are_refused(string options, string says)
        => _run.RefusedAsync(Definition(options, "{ \"boundary\": \"none\", \"gamma\": null }", stage: options.Contains('‹', StringComparison.Ordinal) ? "" : "‹1›"), says);

    [Theory]
    [InlineData("\"bytes\": \"bytes\"", "{}", "needs known boundary masses", 2)]
    [InlineData("\"bytes\": \"bytes\"", "{ \"boundary\": \"none\" }", "boundary masses or bounds on them", 1)]
    [InlineData("\"bytes\": \"bytes\"", "{ \"boundary\": \"append-lower\", \"gamma\": null }", "bounds on masses", 1)]
    [InlineData("\"bytes\": \"bytes\", \"boundary\": \"mass\"", "{ \"boundary\": \"append-lower\" }", "bounds on masses", 1)]
    [InlineData("\"bytes\": \"bytes\", \"boundaryLower\": \"least\", \"boundaryUpper\": \"most\"", "{}", "known boundary masses", 1)]
    public async Task An_objective_that_asks_for_more_than_the_scores_say_is_refused(string options, string alm, string says, int times)
    {
        (string file, string run, _) = _run.Place(Definition(options, alm));
        AlmAnswer check = await RuleRun.AskAsync("check", file, "--run", run);
        Assert.NotEqual(0, check.Code);
        Assert.Contains(says.Replace("needs ", "", StringComparison.Ordinal), check.Error, StringComparison.Ordinal);
        Assert.Equal(times, check.Error.Split('\n').Count(l => l.Contains("which flow 'import' imports,", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("\"bytes\": \"bytes\"", "{ \"boundary\": \"none\", \"gamma\": null }")]
    [InlineData("\"ids\": \"ids\", \"tokenizer\": \"bytes\", \"boundary\": \"mass\"", "{}")]
    [InlineData("\"bytes\": \"bytes\", \"boundaryLower\": \"least\", \"boundaryUpper\": \"most\"", "{ \"boundary\": \"append-midpoint\" }")]
    public async Task An_objective_that_asks_for_what_the_scores_say_learns(string options, string alm)
    {
        (string file, string run, _) = _run.Place(Definition(options, alm));
        AlmAnswer done = await RuleRun.AskAsync("run", file, "--run", run, "--plain");
        Assert.True(done.Code == 0, done.Error);
        Assert.True(File.Exists(Path.Combine(run, "student", "model.safetensors")));
    }

    [Fact]
    public Task A_teacher_beside_scores_of_another_is_refused()
        => _run.RefusedAsync(Definition("\"bytes\": \"bytes\", \"boundary\": \"mass\"", "{}", teacher: $"\"teacher\": {{ \"model\": \"{_run.Model()}\" }},", from: "‹1›"), "leave \"teacher\" out");

    [Theory]
    [InlineData("scores.jsonl", """{"text": "ab"}""", "'bytes'")]
    [InlineData("scores.jsonl", "[]", "line is not a JSON object")]
    [InlineData("scores.parquet", "no parquet", "is not a Parquet file")]
    [InlineData("none.jsonl", null, "does not exist")]
    public Task A_file_that_holds_no_scores_is_refused_by_name(string name, string? content, string says)
    {
        string path = content is null ? _run[name] : _run.Write(name, content);
        return _run.RefusedAsync(Definition("\"bytes\": \"bytes\"", "{ \"boundary\": \"none\", \"gamma\": null }", path: $"‹1›\"{path}\""), says);
    }

    private string Definition(string options, string alm, string stage = "", string teacher = "", string from = "", string? path = null) => $$"""
        { "name": "x", {{teacher}} "student": { "model": "{{_run.Model()}}" },
          "flows": [ { "name": "import", "stages": [ {{stage}}{ "stage": "import-scores", "files": [{{path ?? $"\"{_run.Write("good.jsonl", Line)}\""}}]{{(options.Length > 0 ? ", " : "")}}{{options}} }, { "stage": "write-shards", "to": "shards", "count": 1 } ] },
            { "name": "distill", "stages": [ { "stage": "read-shards", "epochs": 0, "from": [{{from}}"run:shards"] }, { "stage": "batch", "tokens": 512 },
              { "stage": "update-student", "to": "student", "steps": 1, "learningRate": 1e-3, "objectives": { "alm": {{alm}} } } ] } ] }
        """;
}
