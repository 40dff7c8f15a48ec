using System.Reflection;
using Pipeline.Host.Files;

namespace Pipeline.Host.Tests.Rules;

/// <summary>Rules between the keys of one stage, and between the places that stages write to.</summary>
public sealed class OptionRuleTests : IDisposable
{
    private readonly RuleRun _run = new();

    public void Dispose() => _run.Dispose();

    public static TheoryData<string, string> Evaluations => new()
    {
        { "\"models\": ‹1›[]", "'models' is empty" },
        { "\"models\": [ A, { \"model\": \"MODEL\", \"name\": ‹1›\"a\" } ]", "two models are named 'a'" },
        { "\"models\": [ { \"model\": \"MODEL\" }, { \"model\": ‹1›\"MODEL\" } ]", "two models are named" },
        { "\"models\": [ A, B ], \"ensembles\": [ { \"name\": ‹1›\"a\", \"members\": [\"a\", \"b\"] } ]", "'a' is already the name of another" },
        { "\"models\": [ A ], \"ensembles\": [ { \"name\": \"e\", \"members\": ‹1›[\"a\"] } ]", "ensemble 'e' has the members [a], expected two or more models" },
        { "\"models\": [ A ], \"ensembles\": [ { \"name\": \"e\", \"members\": ‹1›[\"a\", \"a\"] } ]", "ensemble 'e' has the members [a, a], expected two or more models" },
        { "\"models\": [ A, B ], \"ensembles\": [ { \"name\": \"e\", \"members\": [\"a\", \"b\", ‹1›\"c\"] } ]", "'ensembles[0].members' names 'c', which is not one of 'a', 'b'" },
        { "\"models\": [ A, B ], \"ensembles\": [ { \"name\": \"e\", \"members\": [\"a\", \"b\"], \"weights\": ‹1›[1] } ]", "has 2 members and 1 weights (1)" },
        { "\"models\": [ A, B ], \"ensembles\": [ { \"name\": \"e\", \"members\": [\"a\", \"b\"], \"weights\": ‹1›[2, -1] } ]", "only weights of log-probabilities may be negative" },
        { "\"models\": [ A, B ], \"gap\": { \"before\": \"a\", \"after\": ‹1›\"after\", \"teacher\": \"b\" }", "'gap' names 'after', which is not one of 'a', 'b'" },
        { "\"models\": [ A, B ], \"agreement\": ‹1›\"nobody\"", "'agreement' names 'nobody', which is not one of 'a', 'b'" },
        { "\"models\": [ A ], \"to\": ‹1›\"../../x\"", "expected a plain name" },
    };

    [Theory]
    [MemberData(nameof(Evaluations))]
    public Task What_an_evaluation_asks_for_must_fit_together(string options, string says) => _run.RefusedAsync(
        Flow($$"""{ "stage": "evaluate", {{options}} }""").Replace("A,", "A ,", StringComparison.Ordinal)
            .Replace(" A ", " { \"model\": \"MODEL\", \"name\": \"a\" } ", StringComparison.Ordinal)
            .Replace(" B ", " { \"model\": \"MODEL\", \"name\": \"b\" } ", StringComparison.Ordinal)
            .Replace("MODEL", _run.Model(), StringComparison.Ordinal),
        says);

    [Theory]
    [InlineData("\"models\": ‹1›[]", "'models' is empty")]
    [InlineData("\"models\": [ { \"model\": \"MODEL\", \"name\": \"a\" }, { \"model\": \"MODEL\", \"name\": ‹1›\"a\" } ]", "two models are named 'a'")]
    [InlineData("\"models\": [ { \"model\": ‹1›\"run:none\" } ]", "'run:none' is not in the run folder")]
    [InlineData("\"models\": [ { \"model\": \"MODEL\", \"name\": \"a\" } ], \"compare\": { \"plain\": \"a\", \"edited\": ‹1›\"b\", \"exchanged\": \"a\", \"random\": \"a\" }", "'compare.edited' names 'b', which is not one of 'a'")]
    public Task What_is_judged_by_choices_must_fit_together(string options, string says) => _run.RefusedAsync($$"""
        { "name": "x", "flows": [ { "name": "f", "stages": [ { "stage": "read-choices", "format": "plain", "files": ["{{Text()}}"] }, { "stage": "evaluate-choices", "text": ["{{Text()}}"], {{options.Replace("MODEL", _run.Model(), StringComparison.Ordinal)}} } ] } ] }
        """, says);

    public static TheoryData<string, string> Trainings => new()
    {
        { "\"objectives\": ‹1›{}", "'objectives': none is given" },
        { "\"objectives\": { \"alm\": { \"chunks\": ‹1›\"unbiased\" } }", "needs 'objectives.alm.bias'" },
        { "\"objectives\": { \"latents\": { \"studentLayers\": ‹1›[1] } }", "are only for layers 'chosen'" },
        { "\"objectives\": { \"latents\": { \"layers\": ‹1›\"chosen\", \"studentLayers\": [1, 2], \"teacherLayers\": [1] } }", "2 'studentLayers' and 1 'teacherLayers'" },
        { "\"objectives\": { \"alm\": {}, \"sft\": {} }, \"combine\": { \"rule\": \"gradnorm\", \"pcgrad\": ‹1›true }", "learns from unchanged gradients" },
        { "\"objectives\": { \"sft\": {} }, \"slots\": ‹1›3", "expected a power of two" },
        { "\"objectives\": { \"sft\": {} }, \"lora\": ‹1›{ \"rank\": 4 }", "set \"train\": \"lora\"" },
        { "\"objectives\": { \"sft\": {} }, \"lora\": ‹1›{}", "set \"train\": \"lora\"" },
        { "\"objectives\": { \"sft\": {} }, \"train\": \"embeddings\", \"lora\": ‹1›{ \"rank\": 16 }", "'train' is embeddings" },
    };

    [Theory]
    [MemberData(nameof(Trainings))]
    public Task What_a_training_asks_for_must_fit_together(string options, string says) => _run.RefusedAsync(
        $$"""
        { "name": "x", "teacher": { "model": "{{_run.Model()}}" }, "student": { "model": "{{_run.Model()}}" },
          "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize" }, { "stage": "align" }, { "stage": "score-teacher", "hiddenLayers": [-1] }, { "stage": "write-shards", "to": "shards" } ] },
            { "name": "g", "stages": [ { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" },
            { "stage": "update-student", "to": "s", "steps": 1, {{options}} } ] } ] }
        """,
        says);

    [Theory]
    [InlineData("\"templateDate\": ‹1›\"2024\"", "a day such as 2024-07-26")]
    [InlineData("\"lossOn\": ‹1›\"marker\"", "'lossMarker' is not given")]
    [InlineData("\"lossMarker\": ‹1›\"=\"", "'lossOn' is not marker")]
    public async Task What_a_tokenizing_stage_asks_for_must_fit_together(string options, string says)
    {
        await _run.RefusedAsync($$"""
            { "name": "x", "teacher": { "model": "{{_run.Model()}}" }, "student": { "model": "{{_run.Model()}}" },
              "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize", {{options}} }, { "stage": "align" },
                { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards" } ] } ] }
            """, says);
        await _run.RefusedAsync($$"""
            { "name": "x", "student": { "model": "{{_run.Model()}}" },
              "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize-student", {{options}} }, { "stage": "write-shards", "to": "shards" } ] } ] }
            """, says);
    }

    [Theory]
    [InlineData("\"vocabularySize\": ‹1›257, \"bos\": \"<s>\", \"eos\": \"</s>\"", "give at least 258")]
    [InlineData("\"vocabularySize\": 300, \"specialTokens\": ‹1›[\"\"]", "a special token is empty")]
    public Task What_a_tokenizer_is_to_be_must_fit_together(string options, string says) => _run.RefusedAsync(Flow($$"""{ "stage": "train-tokenizer", "to": "t", {{options}} }"""), says);

    [Theory]
    [InlineData("\"alm\": ‹1›null", "a hypernetwork needs one of them")]
    [InlineData("\"alm\": { \"scores\": ‹1›\"online\" }", "trained from cached scores")]
    [InlineData("\"alm\": { \"bias\": ‹1›\"b.txt\" }", "every step has another tokenizer")]
    [InlineData("\"alm\": { \"chunks\": ‹1›\"unbiased\" }", "every step has another tokenizer")]
    public Task What_a_hypernetwork_is_to_learn_must_fit_together(string options, string says) => _run.RefusedAsync($$"""
        { "name": "x", "teacher": { "model": "{{_run.Model()}}" }, "student": { "model": "{{_run.Model()}}" },
          "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize" }, { "stage": "align" }, { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards" } ] },
            { "name": "g", "stages": [ { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" }, { "stage": "train-hypernetwork", "to": "h", "from": ["shards"], "steps": 1, {{options}} } ] } ] }
        """, says);

    [Theory]
    [InlineData("../x", "is outside the run folder")]
    [InlineData("a/../../x", "is outside the run folder")]
    [InlineData("/tmp/x", "is outside the run folder")]
    [InlineData("", "is outside the run folder")]
    [InlineData("a\\u0000b", "contains a null character")]
    [InlineData("parts/x", "where the run keeps its parts")]
    public Task What_is_written_lies_below_the_run_folder(string to, string says) => _run.RefusedAsync(Flow($$"""{ "stage": "write-parquet", "to": ‹1›"{{to}}" }"""), says);

    [Theory]
    [MemberData(nameof(NamesOfTheRun))]
    public Task No_stage_writes_where_the_run_keeps_its_own(string name)
        => _run.RefusedAsync(Flow($$"""{ "stage": "write-parquet", "to": ‹1›"{{name}}" }"""), $"where the run keeps its {name}");

    /// <summary>By reflection, so that a name added later is refused too.</summary>
    public static TheoryData<string> NamesOfTheRun()
        => [.. typeof(RunFiles).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!)];

    [Theory]
    [InlineData("shards", "which is written by flow 'f', stage 'write-shards'")]
    [InlineData("./shards/", "which is written by flow 'f', stage 'write-shards'")]
    [InlineData("shards/student", "and shards is written by flow 'f', stage 'write-shards'")]
    public Task Two_outputs_in_one_place_are_refused(string to, string says) => _run.RefusedAsync($$"""
        { "name": "x", "student": { "model": "{{_run.Model()}}" },
          "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize-student" }, { "stage": "write-shards", "to": "shards" } ] },
            { "name": "g", "stages": [ { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" }, { "stage": "update-student", "to": ‹1›"{{to}}", "steps": 1, "objectives": { "sft": {} } } ] } ] }
        """, says);

    [Fact]
    public Task Everything_comes_at_once() => _run.RefusedAsync($$"""
        { "name": "x", "student": { "model": "{{_run.Model()}}" },
          "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize-student", "lossMarker": ‹1›"=" }, { "stage": "write-shards", "to": ‹2›"../x" } ] },
            { "name": "g", "stages": [ { "stage": "read-shards", "from": [‹3›"../x"] }, { "stage": "batch" }, { "stage": "update-student", "to": "s", "steps": 1, "objectives": ‹4›{} } ] },
            { "name": "h", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "evaluate", "models": ‹5›[], "agreement": ‹6›"a" } ] } ] }
        """, ["'lossOn' is not marker", "is outside the run folder", "is outside the run folder", "none is given", "'models' is empty", "names 'a'"]);

    [Fact]
    public async Task A_definition_that_a_run_folder_keeps_breaks_no_rule_that_its_file_did_not()
    {
        (string file, string run, _) = _run.Place(Flow("""{ "stage": "write-parquet", "to": "out.parquet" }"""));
        Assert.Equal(0, (await RuleRun.AskAsync("run", file, "--run", run, "--plain")).Code);
        AlmAnswer again = await RuleRun.AskAsync("check", Path.Combine(run, "definition.json"), "--run", run);
        Assert.True(again.Code == 0, again.Error);
        Assert.StartsWith(Path.Combine(run, "definition.json") + ": no errors; 1 flow(s)", again.Output, StringComparison.Ordinal);
    }

    private string Text() => _run.Write("text.jsonl", "{\"text\": \"one two three\"}\n{\"text\": \"four five\"}\n");

    private string Flow(string sink) => $$"""{ "name": "x", "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, {{sink}} ] } ] }""";
}
