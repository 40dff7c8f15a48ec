using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Tests.Rules;

/// <summary>Texts longer than a model was made for: 512 positions here. A warning at check and where it happens, an error with strictPositions.</summary>
public sealed class PositionTests : IDisposable
{
    private readonly RuleRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task Limits_beyond_the_positions_are_warned_of_before_a_run_and_refused_when_they_are_strict()
    {
        string scoring(string run, string teacher, string student) => $$"""
            { "name": "x", {{run}} "teacher": { "model": "{{_run.Model()}}" }, "student": { "model": "{{_run.Model()}}" },
              "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize", "maxTeacherTokens": {{teacher}}, "maxStudentTokens": {{student}} },
                { "stage": "align" }, { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards", "count": 1 } ] } ] }
            """;
        string[] says = ["'maxTeacherTokens' is 800, but the teacher was made for 512 positions", "'maxStudentTokens' is 700, but the student was made for 512 positions"];
        await _run.WarnedAsync(scoring("", "‹1›800", "‹2›700"), says);
        await _run.WarnedAsync(scoring("", "512", "512"));
        await _run.RefusedAsync(scoring("\"strictPositions\": true,", "‹1›800", "‹2›700"), says);

        (string file, string run, _) = _run.Place(scoring("", "800", "700"));
        AlmAnswer ran = await RuleRun.AskAsync("run", file, "--run", run, "--plain");
        Assert.Equal("", ran.Error);
        Assert.Single(ran.Output.Split('\n'), l => l.Contains("was made for 512 positions (max_position_embeddings) but is given 602", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("\"strictPositions\": true,", ExitCodes.Input)]
    public async Task Examples_beyond_the_positions_are_warned_of_or_refused_where_they_are_met(string strict, int code)
    {
        string shards = await ShardsAsync();
        (string file, string run, _) = _run.Place($$"""
            { "name": "x", {{strict}} "student": { "model": "{{_run.Model()}}" }, "flows": [ { "name": "g", "stages": [ { "stage": "read-shards", "from": ["{{shards}}"] }, { "stage": "batch" },
              { "stage": "update-student", "to": "s", "steps": 1, "objectives": { "sft": {} } } ] } ] }
            """);
        AlmAnswer ran = await RuleRun.AskAsync("run", file, "--run", run, "--plain");
        Assert.Equal(code, ran.Code);
        Assert.Contains("the student was made for 512 positions (max_position_embeddings) but is given 602", code == 0 ? ran.Output : ran.Error, StringComparison.Ordinal);

        (file, run, _) = _run.Place($$"""
            { "name": "x", {{strict}} "flows": [ { "name": "g", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] },
              { "stage": "evaluate", "models": [ { "model": "{{_run.Model()}}", "name": "m" } ] } ] } ] }
            """);
        ran = await RuleRun.AskAsync("run", file, "--run", run, "--plain");
        Assert.Equal(code, ran.Code);
        Assert.Contains("model 'm' was made for 512 positions", code == 0 ? ran.Output : ran.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Commands_warn_or_refuse_alike(bool strict)
    {
        string[] more = strict ? ["--strict-positions"] : [];
        AlmAnswer scored = await RuleRun.AskAsync(["score", "--model", _run.Model(), "--input", Text(), "--output", _run["out.jsonl"], .. more]);
        Assert.Equal(strict ? ExitCodes.Input : 0, scored.Code);
        Assert.Contains("was made for 512 positions", scored.Error, StringComparison.Ordinal);
        AlmAnswer generated = await RuleRun.AskAsync(["generate", "--model", _run.Model(), "--prompt", new string('a', 505), "--max-tokens", "20", .. more]);
        Assert.Equal(strict ? ExitCodes.Input : 0, generated.Code);
        Assert.Contains("was made for 512 positions (max_position_embeddings) but is given 526", generated.Error, StringComparison.Ordinal);
        Assert.Equal(strict, generated.Output.Length == 0);
        Assert.DoesNotContain("positions", (await RuleRun.AskAsync(["generate", "--model", _run.Model(), "--prompt", "a", "--max-tokens", "2", .. more])).Error, StringComparison.Ordinal);
    }

    // 600 bytes, a token each, and two marks around them.
    private string Text() => _run.Write("text.jsonl", $"{{\"text\": \"{string.Concat(Enumerable.Repeat("one two ten ", 50))}\"}}\n");

    private async Task<string> ShardsAsync()
    {
        (string file, string run, _) = _run.Place($$"""
            { "name": "x", "student": { "model": "{{_run.Model()}}" }, "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] },
              { "stage": "tokenize-student", "maxStudentTokens": 800 }, { "stage": "write-shards", "to": "shards", "count": 1 } ] } ] }
            """);
        AlmAnswer ran = await RuleRun.AskAsync("run", file, "--run", run, "--plain");
        Assert.True(ran.Code == 0, ran.Error);
        return Path.Combine(run, "shards");
    }
}
