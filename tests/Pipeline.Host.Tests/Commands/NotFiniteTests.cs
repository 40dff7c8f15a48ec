using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages;
using Pipeline.Stages.Models.Safetensors;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests.Commands;

/// <summary>Models with a weight that is no number, or is too large for the type to be written: named, and never a number among others.</summary>
public sealed class NotFiniteTests : IDisposable
{
    private const string Tensor = "model.layers.1.mlp.up_proj.weight";

    private readonly TemporaryFolder _folder = new();
    private readonly string _model, _text;

    public NotFiniteTests()
    {
        _model = ByteModel.Save(_folder["bad"], seed: 3);
        _text = _folder.Write("in.jsonl", "{\"text\": \"one two\"}\n{\"text\": \"three\"}\n");
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public async Task Every_command_that_asks_the_model_names_it_and_its_tensor(float value)
    {
        SafetensorsEdit.Set(_model, Tensor, 7, value);
        SafetensorsWriter.Write(_folder["ids"], new DiskStorage(), [new TensorSource("input_ids", ScalarType.Int64, tensor(new long[] { 256, 65, 66 }).view(1, 3))]);
        string[][] commands =
        [
            ["generate", "--model", _model, "--prompt", "one", "--max-tokens", "3"],
            ["score", "--model", _model, "--input", _text, "--output", _folder["out"]],
            ["score", "--model", _model, "--input", _text, "--next-bytes", _folder["out"]],
            ["logits", "--model", _model, "--input", _folder["ids"], "--output", _folder["out"]],
            ["transfer", "--model", _model, "--tokenizer", "bytes", "--output", _folder["moved"]],
        ];
        foreach (string[] command in commands)
        {
            AlmAnswer answer = await Alm.RunAsync(command, stages: StageTable.All);
            Assert.Equal((ExitCodes.Input, ""), (answer.Code, answer.Output.Trim()));
            Assert.Contains(_model, answer.Error, StringComparison.Ordinal);
            Assert.Contains(Tensor, answer.Error, StringComparison.Ordinal);
            Assert.False(File.Exists(_folder["out"]));
        }
        Assert.DoesNotContain(Directory.EnumerateFiles(_folder.Path), file => Path.GetFileName(file).StartsWith("out", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_model_that_is_not_finite_has_a_row_beside_the_sound_ones()
    {
        SafetensorsEdit.Set(_model, Tensor, 7, float.NaN);
        string good = ByteModel.Save(_folder["good"], seed: 5);
        string[] command = ["evaluate", "--model", $"good={good}", "--text", _text];
        AlmAnswer alone = await Alm.RunAsync([.. command, "--json", _folder["alone"]]);
        AlmAnswer both = await Alm.RunAsync([.. command, "--model", $"bad={_model}", "--agreement", "bad", "--json", _folder["both"]]);
        Assert.Equal((0, 0), (alone.Code, both.Code));
        Assert.Contains("not finite", both.Output, StringComparison.Ordinal);
        Assert.Contains(Tensor, both.Output, StringComparison.Ordinal);
        JsonNode Model(string file, int index) => JsonNode.Parse(File.ReadAllBytes(_folder[file]))!["models"]![index]!;
        Assert.Equal((double)Model("alone", 0)["bitsPerByte"]!, (double)Model("both", 0)["bitsPerByte"]!);
        Assert.Null(Model("both", 1)["bitsPerByte"]);
        Assert.Contains(Tensor, (string)Model("both", 1)["notFinite"]!, StringComparison.Ordinal);
        // With a reference that has no answers there is nothing to agree with.
        Assert.Null(Model("both", 0)["agreement"]);
    }

    [Fact]
    public async Task A_teacher_that_is_not_finite_commits_nothing()
    {
        SafetensorsEdit.Set(_model, Tensor, 7, float.NaN);
        string definition = _folder.Write("run.json", $$"""
            { "name": "nan", "teacher": { "model": "{{_model}}" }, "student": { "model": "{{_model}}", "tokenizer": "bytes" }, "flows": [ { "name": "score", "stages": [
              { "stage": "read-jsonl", "files": ["{{_text}}"] }, { "stage": "tokenize" }, { "stage": "align" }, { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards", "count": 1 } ] } ] }
            """);
        AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", _folder["run"], "--plain"], stages: StageTable.All);
        Assert.Equal(ExitCodes.Input, answer.Code);
        Assert.Contains(Tensor, answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFiles(_folder["run"], "*", SearchOption.AllDirectories), file => file.EndsWith(".alm", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("float16", 70_000, true)]
    [InlineData("float16", 65_504, false)]
    [InlineData("bfloat16", 70_000, false)]
    public async Task What_does_not_fit_the_type_to_be_written_is_refused_with_the_tensor_and_its_largest(string dtype, float value, bool isRefused)
    {
        SafetensorsEdit.Set(_model, Tensor, 7, -value);
        AlmAnswer answer = await Alm.RunAsync(["transfer", "--model", _model, "--tokenizer", "bytes", "--dtype", dtype, "--output", _folder["moved"]]);
        Assert.Equal(isRefused ? ExitCodes.Input : 0, answer.Code);
        Assert.Equal(!isRefused, File.Exists(Path.Combine(_folder["moved"], "config.json")));
        if (isRefused)
            Assert.Contains($"'{Tensor}' has a value of {value}", answer.Error, StringComparison.Ordinal);
    }
}
