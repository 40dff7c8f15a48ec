using System.Globalization;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Tests.Rules;

namespace Pipeline.Host.Tests.Runs;

/// <summary>What of a training may be corrected: everything before its first checkpoint, its tunable keys after it, nothing when it is done.</summary>
public sealed class TrainingCorrectionTests : IDisposable
{
    private readonly RuleRun _run = new();
    private readonly string _text;

    public TrainingCorrectionTests()
        => _text = _run.Write("text.jsonl", string.Concat(Enumerable.Range(0, 6).Select(i => $"{{\"text\": \"text {i} of six\"}}\n")));

    public void Dispose() => _run.Dispose();

    private string Run => _run["run"];

    [Fact]
    public async Task A_training_that_stopped_goes_on_from_its_last_checkpoint_with_a_lower_learning_rate()
    {
        // Six examples end after the third step: as with a step that is not finite, the checkpoint of the second stays.
        Assert.Equal(ExitCodes.Input, (await TrainAsync(Training("0.01", "\"epochs\": 1", "\"checkpointEvery\": 2"))).Code);
        AlmAnswer other = await TrainAsync(Training("0.001", "\"epochs\": 0", "\"checkpointEvery\": 2, \"accumulate\": 2"));
        Assert.Equal(ExitCodes.Definition, other.Code);
        Assert.Contains("flows.train.update-student.accumulate: was 1, is 2", other.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("learningRate", other.Error, StringComparison.Ordinal);

        AlmAnswer goesOn = await TrainAsync(Training("0.001", "\"epochs\": 0", "\"checkpointEvery\": 2"));
        Assert.Equal("", goesOn.Error);
        Assert.Contains("flows.train.update-student.learningRate was 0.01, is now 0.001", goesOn.Output, StringComparison.Ordinal);
        Assert.Contains("continuing from step 2 of 5", goesOn.Output, StringComparison.Ordinal);
        double[] rates = [.. File.ReadLines(Path.Combine(Run, "metrics.jsonl")).Select(l => JsonNode.Parse(l)!.AsObject())
            .Where(l => (string?)l["flow"] == "train").Select(l => (double?)l["learningRate"]).OfType<double>()];
        Assert.Equal(0.01, rates[0], 3);
        Assert.True(rates[^1] < 0.0011, string.Join(", ", rates.Select(r => r.ToString(CultureInfo.InvariantCulture))));
        Assert.Equal(["flows.train.update-student.learningRate"], JsonNode.Parse(File.ReadAllText(Path.Combine(Run, "report.json")))!["changes"]!.AsArray().Select(c => (string?)c!["key"]));

        AlmAnswer done = await TrainAsync(Training("0.0001", "\"epochs\": 0", "\"checkpointEvery\": 2"));
        Assert.Equal(ExitCodes.Definition, done.Code);
        Assert.Contains("learningRate: was 0.001, is 0.0001", done.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Before_its_first_checkpoint_a_training_may_be_another_one_and_its_beginning_is_made_anew()
    {
        Assert.Equal(ExitCodes.Input, (await TrainAsync(Training("0.01", "\"epochs\": 1", "\"checkpointEvery\": 100"))).Code);
        byte[] before = File.ReadAllBytes(Path.Combine(Run, "s-initial", "model.safetensors"));
        string other = _run.Model("other", 9);
        AlmAnswer goesOn = await TrainAsync(Training("0.01", "\"epochs\": 0", $"\"checkpointEvery\": 100, \"accumulate\": 2, \"student\": {{ \"model\": \"{other}\" }}"));
        Assert.Equal("", goesOn.Error);
        Assert.NotEqual(before, File.ReadAllBytes(Path.Combine(Run, "s-initial", "model.safetensors")));
    }

    private Task<AlmAnswer> TrainAsync(string definition) => RuleRun.AskAsync("run", _run.Write("d.json", definition), "--run", Run, "--plain");

    private string Training(string rate, string reading, string training) => $$"""
        { "name": "x", "threads": 1, "student": { "model": "{{_run.Model()}}" },
          "flows": [ { "name": "text", "stages": [ { "stage": "read-jsonl", "files": ["{{_text}}"] }, { "stage": "tokenize-student" }, { "stage": "write-shards", "to": "shards", "count": 1 } ] },
            { "name": "train", "stages": [ { "stage": "read-shards", "from": ["shards"], {{reading}} }, { "stage": "batch", "tokens": 40 },
              { "stage": "update-student", "to": "s", "steps": 5, "learningRate": {{rate}}, "decay": "constant", "objectives": { "sft": {} }, {{training}} } ] } ] }
        """;
}
