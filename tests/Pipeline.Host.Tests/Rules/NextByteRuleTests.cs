namespace Pipeline.Host.Tests.Rules;

/// <summary>Next bytes that cannot be had are said before any work, and what they will take on disk is.</summary>
public sealed class NextByteRuleTests : IDisposable
{
    private const string Unigram = """{ "version": "1.0", "model": { "type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", -1], ["b", -2], ["ab", -2]] } }""";

    private const string Suffixed = """{ "version": "1.0", "model": { "type": "BPE", "end_of_word_suffix": "</w>", "vocab": { "a": 0, "b": 1, "a</w>": 2, "b</w>": 3, "ab</w>": 4 }, "merges": ["a b</w>"] } }""";

    private readonly RuleRun _run = new();

    public static TheoryData<string, string> Tokenizers => new() { { Unigram, "for BPE tokenizers" }, { Suffixed, "end_of_word_suffix" } };

    public void Dispose() => _run.Dispose();

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public Task A_teacher_must_have_them(string tokenizer, string says) => _run.RefusedAsync(
        Definition(""" "bytes": ‹1›"trunk" """, """{ "sft": {} }""", $", \"tokenizer\": \"{_run.Write("other.json", tokenizer)}\""), says);

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public Task Models_that_are_judged_by_them_must_have_them(string tokenizer, string says) => _run.RefusedAsync($$"""
        { "name": "x", "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] },
            { "stage": "evaluate", "exactBytes": ‹1›true, "models": [ { "model": "{{_run.Model()}}" }, { "model": "{{_run.Model()}}", "name": "other", "tokenizer": "{{_run.Write("other.json", tokenizer)}}" } ] } ] } ] }
        """, says);

    [Fact]
    public Task Shards_that_this_run_writes_without_are_no_use_to_those_who_learn_from_them() => _run.RefusedAsync(
        Definition(""" "bytes": "none" """, """{ "bytes": ‹1›{} }"""), "flow 'score' writes shards without");

    [Fact]
    public async Task What_they_take_is_estimated()
    {
        async Task<string> Of(string more)
        {
            AlmAnswer check = await RuleRun.AskAsync("check", _run.Write("definition.json", Definition(more, """{ "sft": {} }""")), "--run", _run["run"]);
            Assert.Equal("", check.Error);
            return string.Concat(check.Output.Split('\n').Where(l => l.Contains("next bytes on disk", StringComparison.Ordinal)));
        }
        Assert.Equal("", await Of(""" "bytes": "none" """));
        Assert.Contains("4 named at each", await Of(""" "bytes": "trunk" """), StringComparison.Ordinal);
        Assert.Contains("2 named at each", await Of(""" "bytes": "exact", "maxKept": 2 """), StringComparison.Ordinal);
        Assert.Contains("2 named at each", await Of(""" "bytes": "exact", "keepShare": 0.9 """), StringComparison.Ordinal);
    }

    private string Definition(string score, string objectives, string teacher = "") => $$"""
        { "name": "x", "teacher": { "model": "{{_run.Model()}}"{{teacher}} }, "student": { "model": "{{_run.Model()}}", "tokenizer": "bytes" },
          "flows": [ { "name": "score", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize", "maxTeacherTokens": 100 }, { "stage": "score-teacher",{{score}}}, { "stage": "write-shards", "to": "shards", "count": 1 } ] },
            { "name": "learn", "stages": [ { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" }, { "stage": "update-student", "to": "student", "steps": 1, "objectives": {{objectives}} } ] } ] }
        """;

    private string Text() => _run.Write("text.jsonl", "{\"text\": \"ab a b\"}\n{\"text\": \"b\"}\n");
}
