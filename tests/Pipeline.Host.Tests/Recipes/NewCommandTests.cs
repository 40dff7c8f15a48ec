using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Host.Definitions;
using Pipeline.Host.Recipes;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Recipes;

/// <summary>Every recipe on tiny models: what <c>alm new</c> writes passes <c>alm check</c> and runs.</summary>
public sealed class NewCommandTests : IDisposable
{
    private static readonly string Tiny = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
    private static readonly string Train = Path.Combine(Repository.Root, "data", "text", "train-00.parquet");
    private static readonly string Test = Path.Combine(Repository.Root, "data", "text", "test.parquet");

    private static readonly string[] FewSteps = ["--set", "flows.distill.update-student.steps=2", "--set", "flows.distill.update-student.warmupSteps=1", "--set", "flows.score.read-parquet.maxRows=12"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public Task Bytes() => RunsAsync(["bytes", "--model", Tiny, "--text", Train, "--heldout", Test], FewSteps, 3);

    [Fact]
    public Task Another_tokenizer() => RunsAsync(["tokenizer", "--model", Tiny, "--tokenizer", OtherTokenizer(), "--text", Train], FewSteps, 3);

    [Fact]
    public Task Large_to_small() => RunsAsync(["large-to-small", "--model", Tiny, "--student", ByteModel.Save(_folder["small"], seed: 3), "--text", Train], FewSteps, 3);

    [Fact]
    public Task Ensemble_of_unlike_tokenizers()
        => RunsAsync(["ensemble", "--model", Tiny, "--model", ByteModel.Save(_folder["small"], seed: 3), "--text", Test], ["--set", "flows.judge.read-parquet.maxRows=2"], 4);

    [Fact]
    public Task Zero_shot_from_json_lines()
    {
        string text = _folder.Write("text.jsonl", string.Concat(Enumerable.Range(1, 30).Select(i => $"{{\"words\": \"Tom has {i} apples and buys {i + 1} more.\"}}\n")));
        return RunsAsync(["zero-shot", "--model", Tiny, "--tokenizer", "bytes", "--text", text, "--column", "words"], [], 2);
    }

    [Theory]
    [InlineData(4096, "\"batch\", \"tokens\": 4096", "activationCheckpointing")]
    [InlineData(150, "\"activationCheckpointing\": true", "IT DOES NOT FIT")]
    [InlineData(1, "\"train\": \"lora\"", "LeastThatThereIs")]
    [InlineData(1, "IT DOES NOT FIT: take a smaller student", "LeastThatThereIs")]
    public async Task A_small_machine_gets_what_fits_or_is_told(long mebibytes, string expected, string unexpected)
    {
        var storage = new DiskStorage();
        var catalog = new StageCatalog(StageTable.All);
        var stages = new CommandStages(new CommandEnvironment { Stages = StageTable.All }, _folder["none"], TextWriter.Null);
        RecipeTexts texts = await RecipeTexts.ReadAsync([Train], null, null, stages.Create);
        var recipe = new Recipe(RecipeKind.All[0], [RecipeModel.Read(Tiny, storage)], null, null, texts, null, new RecipeMachine(2, mebibytes << 20, null), "FILE");

        string text = new TrainingRecipe(recipe, storage, new RecipeCheck(catalog, storage, TimeProvider.System)).Write();

        Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.DoesNotContain(unexpected, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_teacher_whose_next_bytes_are_not_known_teaches_bytes_without_them()
    {
        string model = ByteModel.Save(_folder["model"], seed: 3);
        string pieces = string.Join(", ", "▁abcdefghijklmnopqrstuvwxyz0123456789T.?$%,+-*/=:'\n".Select(c => $"[{System.Text.Json.JsonSerializer.Serialize(c.ToString())}, -3.0]"));
        _folder.Write(Path.Combine("model", "tokenizer.json"), $$"""
            { "version": "1.0", "added_tokens": [ { "id": 0, "content": "<s>", "special": true }, { "id": 1, "content": "</s>", "special": true }, { "id": 2, "content": "<pad>", "special": true } ],
              "normalizer": null, "post_processor": null,
              "pre_tokenizer": { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always" }, "decoder": { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always" },
              "model": { "type": "Unigram", "unk_id": 3, "byte_fallback": false, "vocab": [ ["<s>", 0.0], ["</s>", 0.0], ["<pad>", 0.0], ["<unk>", 0.0], {{pieces}} ] } }
            """);
        string text = _folder.Write("text.jsonl", string.Concat(Enumerable.Range(1, 40).Select(i => $"{{\"text\": \"i have {i} apples and buy {i + 1} more.\"}}\n")));

        AlmAnswer answer = await Alm.RunAsync(["new", "bytes", "--model", model, "--text", text], stages: StageTable.All);

        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains("\"alm\": {}, \"sft\": {}", answer.Output, StringComparison.Ordinal);
        Assert.Contains("Not trained on next bytes", answer.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\"bytes\": \"trunk\"", answer.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_recipe_needs_is_asked_for_by_name_and_a_file_that_is_there_stays()
    {
        string there = _folder.Write("mine.json", "edited");
        (string[] Arguments, int Code, string Words)[] refused =
        [
            (["tokenizer", "--model", Tiny, "--text", Train], ExitCodes.Definition, "give --tokenizer"),
            (["bytes", "--model", Tiny, "--tokenizer", "bytes", "--text", Train], ExitCodes.Definition, "--tokenizer is not used here"),
            (["large-to-small", "--model", Tiny, "--text", Train], ExitCodes.Definition, "give --student"),
            (["ensemble", "--model", Tiny, "--text", Train], ExitCodes.Definition, "found 1 --model, expected two or more"),
            (["bytes", "--model", Tiny, "--text", Path.Combine(Repository.Root, "README.md")], ExitCodes.Input, "Parquet (.parquet) or JSON Lines"),
            (["bytes", "--model", Tiny, "--text", Train, "--column", "words"], ExitCodes.Input, "no column 'words'"),
            (["bytes", "--model", Tiny, "--text", Train, "--messages", "turns"], ExitCodes.Definition, "give --heldout"),
            (["bytes", "--model", Tiny, "--text", Train, "-o", there], ExitCodes.Input, "already exists"),
        ];
        foreach ((string[] arguments, int code, string words) in refused)
        {
            AlmAnswer answer = await Alm.RunAsync(["new", .. arguments], stages: StageTable.All);
            Assert.Equal(code, answer.Code);
            Assert.Contains(words, answer.Error, StringComparison.Ordinal);
        }
        Assert.Equal("edited", await File.ReadAllTextAsync(there));
    }

    // The definition as it stands passes check; with few steps it runs, and judges as many models as it should.
    private async Task RunsAsync(string[] arguments, string[] sets, int judged)
    {
        string definition = _folder["new.json"], run = _folder["run"];
        AlmAnswer written = await Alm.RunAsync(["new", .. arguments, "-o", definition], stages: StageTable.All);
        Assert.True(written.Code == 0, written.Error);
        Assert.Contains("//   alm run   ", await File.ReadAllTextAsync(definition), StringComparison.Ordinal);
        AlmAnswer check = await Alm.RunAsync(["check", definition, "--run", run], stages: StageTable.All);
        Assert.True(check.Code == 0, check.Error);
        Assert.Contains("no errors;", check.Output, StringComparison.Ordinal);

        AlmAnswer ran = await Alm.RunAsync(["run", definition, "--run", run, "--set", "device=cpu", .. sets], stages: StageTable.All);

        Assert.True(ran.Code == 0, ran.Error);
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(run, "report.json")))!;
        Assert.Equal(judged, report["parts"]!["judgement"]!["models"]!.AsArray().Count);
    }

    private string OtherTokenizer()
    {
        string folder = _folder["other"];
        ByteModel.Save(folder, seed: 5);
        return folder;
    }
}
