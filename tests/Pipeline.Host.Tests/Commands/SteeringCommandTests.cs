using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Commands;

/// <summary>From demonstrations to an edited model, by a definition and by the commands.</summary>
public sealed class SteeringCommandTests : IDisposable
{
    private const string Text = "Anna has 12 apples.";
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;

    public SteeringCommandTests() => _model = ByteModel.Save(_folder["model"], seed: 4);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_edit_is_fitted_inspected_verified_and_applied_by_every_command()
    {
        string definition = WriteDefinition(), run = _folder["run"], edit = Path.Combine(run, "edit");
        AlmAnswer check = await RunAsync("check", definition, "--run", run);
        Assert.True(check.Code == 0, check.Error + check.Output);
        AlmAnswer ran = await RunAsync("run", definition, "--run", run, "--plain");
        Assert.True(ran.Code == 0, ran.Error + ran.Output);

        AlmAnswer sums = await RunAsync("inspect", Path.Combine(run, "sums"), "--json"), about = await RunAsync("inspect", edit, "--json");
        Assert.Equal(30, (int)JsonNode.Parse(sums.Output)!["demonstrations"]!);
        Assert.Equal("30", (string)JsonNode.Parse(about.Output)!["demonstrations"]!);
        Assert.Equal(2, JsonNode.Parse(about.Output)!["ranksKept"]!.AsArray().Count);
        AlmAnswer verified = await RunAsync("verify", run);
        Assert.True(verified.Code == 0, verified.Output);
        Assert.Contains("0 wrong", verified.Output, StringComparison.Ordinal);

        // The edit by option, and the same beside the model's weights.
        string edited = ByteModel.Save(_folder["edited"], seed: 4);
        File.Copy(Path.Combine(edit, "sea.safetensors"), Path.Combine(edited, "sea.safetensors"));
        double[] plain = await ScoresAsync(_model), byOption = await ScoresAsync(_model, "--edit", edit), byFolder = await ScoresAsync(edited);
        Assert.Equal(byFolder, byOption);
        Assert.True(plain.Zip(byOption).Max(pair => Math.Abs(pair.First - pair.Second)) > 0.01);
        AlmAnswer twice = await RunAsync("score", "--model", edited, "--edit", edit, "--input", _folder["in.jsonl"], "--output", _folder["twice.jsonl"]);
        Assert.Equal(ExitCodes.Input, twice.Code);
        Assert.Contains("edit of its own", twice.Error, StringComparison.Ordinal);

        AlmAnswer judged = await RunAsync("evaluate", "--model", $"a={_model}", $"--model=b={_model}", $"--model=c={edited}", "--edit", $"b={edit}", "--text", _folder["in.jsonl"], "--json", _folder["judged.json"]);
        Assert.True(judged.Code == 0, judged.Error);
        double[] bits = [.. JsonNode.Parse(File.ReadAllText(_folder["judged.json"]))!["models"]!.AsArray().Select(m => (double)m!["bits"]!)];
        Assert.Equal(bits[1], bits[2]);
        Assert.NotEqual(bits[0], bits[1]);
        Assert.Equal(-plain.Sum() / Math.Log(2), bits[0], 1e-2);
        Assert.Equal(-byOption.Sum() / Math.Log(2), bits[1], 1e-2);
        AlmAnswer generated = await RunAsync("generate", "--model", _model, "--edit", edit, "--prompt", Text, "--max-tokens", "8"), same = await RunAsync("generate", "--model", edited, "--prompt", Text, "--max-tokens", "8");
        Assert.Equal((0, same.Output), (generated.Code, generated.Output));
        Assert.Contains("sea.safetensors", (await RunAsync("inspect", edited)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_lost_its_edit_makes_the_same_again_and_damage_is_found()
    {
        string definition = WriteDefinition(), run = _folder["run"], file = Path.Combine(run, "edit", "sea.safetensors"), sums = Path.Combine(run, "sums", "sums-00001-of-00002.safetensors");
        Assert.Equal(0, (await RunAsync("run", definition, "--run", run, "--plain")).Code);
        byte[] before = File.ReadAllBytes(file), summed = File.ReadAllBytes(sums), damaged = [.. summed];
        damaged[^3] ^= 1;
        File.WriteAllBytes(sums, damaged);
        File.Delete(file);
        AlmAnswer verified = await RunAsync("verify", run);
        Assert.Equal(ExitCodes.Input, verified.Code);
        Assert.Contains(sums, verified.Output, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync("repair", run)).Code);
        AlmAnswer again = await RunAsync("run", definition, "--run", run, "--plain");
        Assert.True(again.Code == 0, again.Error + again.Output);
        Assert.Equal(summed, File.ReadAllBytes(sums));
        Assert.Equal(before, File.ReadAllBytes(file));
        Assert.Equal(0, (await RunAsync("verify", run)).Code);
    }

    [Fact]
    public async Task What_a_definition_of_an_edit_lacks_is_said_by_check()
    {
        string definition = WriteDefinition(), run = _folder["run"];
        AlmAnswer column = await RunAsync("check", definition, "--run", run, "--set", "flows.fit.fit-sea.base=column");
        Assert.Equal(ExitCodes.Definition, column.Code);
        Assert.Contains("read-demonstrations reads none", column.Error + column.Output, StringComparison.Ordinal);
        AlmAnswer layers = await RunAsync("check", definition, "--run", run, "--set", "flows.fit.fit-sea.layers=[5]");
        Assert.Contains("0 to 1 or -1 to -2", layers.Error + layers.Output, StringComparison.Ordinal);
        AlmAnswer edited = await RunAsync("check", definition, "--run", run, "--set", "teacher.edit=run:edit");
        Assert.Contains("fitted on a model without one", edited.Error + edited.Output, StringComparison.Ordinal);
        AlmAnswer nobody = await RunAsync("check", definition, "--run", run, "--set", "teacher=null");
        Assert.Contains("the definition has none", nobody.Error + nobody.Output, StringComparison.Ordinal);
        AlmAnswer missing = await RunAsync("check", definition, "--run", run, "--set", "flows.fit.read-demonstrations.negative=nothing");
        Assert.Contains("'nothing'", missing.Error + missing.Output, StringComparison.Ordinal);
    }

    private string WriteDefinition()
    {
        File.WriteAllLines(_folder["demonstrations.jsonl"], Enumerable.Range(0, 30).Select(i => $$"""{"prompt": "{{i}} and {{i * i}}", "positive": " are {{i + 1}}.", "negative": " who {{i % 3}}?"}"""));
        return _folder.Write("definition.json", $$"""
            {
              "name": "steer", "seed": 5, "teacher": { "model": "{{_model}}" },
              "flows": [
                { "name": "fit", "stages": [
                  { "stage": "read-demonstrations", "files": ["{{_folder["demonstrations.jsonl"]}}"] },
                  { "stage": "fit-sea", "to": "sums", "maxNewTokens": 4, "count": 2 } ] },
                { "name": "project", "stages": [
                  { "stage": "read-sea-sums", "from": "run:sums" },
                  { "stage": "project-sea", "to": "edit", "keep": 0.999, "drop": 0.9999 } ] }
              ]
            }
            """);
    }

    private async Task<double[]> ScoresAsync(string model, params string[] more)
    {
        string input = _folder.Write("in.jsonl", $"{{\"text\": \"{Text}\"}}\n"), output = _folder["out.jsonl"];
        AlmAnswer answer = await RunAsync(["score", "--model", model, "--input", input, "--output", output, .. more]);
        Assert.True(answer.Code == 0, answer.Error);
        return [.. JsonNode.Parse(File.ReadAllText(output))!["logLikelihoods"]!.AsArray().Skip(1).Select(v => (double)v!)];
    }

    private static Task<AlmAnswer> RunAsync(params string[] arguments) => Alm.RunAsync(arguments, stages: StageTable.All);
}
