using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Torch;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests.Commands;

public sealed class LogitsCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly ITestOutputHelper _output;

    public LogitsCommandTests(ITestOutputHelper output)
    {
        _output = output;
        TorchLoader.Load();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Logits_and_hidden_states_of_every_position_are_written()
    {
        string model = ByteModel.Save(_folder["model"], seed: 3);
        int[] ids = [256, 65, 66, 67];
        using (DisposeScope scope = NewDisposeScope())
            WriteInput(("input_ids", tensor(ids.Select(i => (long)i).ToArray()).view(1, -1)));

        AlmAnswer answer = await Alm.RunAsync(["logits", "--model", model, "--input", _folder["in.safetensors"], "--output", _folder["out.safetensors"]]);

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        using SafetensorsFile found = SafetensorsFile.Open(_folder["out.safetensors"], _storage);
        Assert.Equal([1L, 4, 271], found.Entry("logits").Shape);
        Assert.Equal([3L, 1, 4, 24], found.Entry("hidden_states").Shape);
        using CausalLm decoder = ByteModel.Load(model);
        using DisposeScope all = NewDisposeScope();
        for (int length = 1; length <= ids.Length; length++)
        {
            float[] expected = ByteModel.Logits(decoder, ids[..length]);
            float[] row = [.. found.View("logits")[0, length - 1].data<float>()];
            Assert.All(expected.Zip(row), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        }
    }

    [Fact]
    public async Task Ids_that_the_model_has_no_row_for_are_refused()
    {
        string model = ByteModel.Save(_folder["model"], seed: 3);
        using (DisposeScope scope = NewDisposeScope())
            WriteInput(("input_ids", tensor(new long[] { 1, 999 }).view(1, -1)));

        AlmAnswer answer = await Alm.RunAsync(["logits", "--model", model, "--input", _folder["in.safetensors"], "--output", _folder["out.safetensors"]]);

        Assert.Equal(ExitCodes.Input, answer.Code);
        Assert.Contains("input_ids", answer.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["out.safetensors"]));
    }

    [Fact]
    public async Task Every_reference_model_gives_the_reference_numbers()
    {
        if (SharedFolder.Below(Path.Combine("golden", "models"), _output) is not { } root)
            return;
        foreach (string folder in Directory.GetDirectories(root).Where(f => File.Exists(Path.Combine(f, "reference.safetensors"))).Order())
        {
            using SafetensorsFile reference = SafetensorsFile.Open(Path.Combine(folder, "reference.safetensors"), _storage);
            foreach (string batch in new[] { "A", "B", "C" })
            {
                using DisposeScope scope = NewDisposeScope();
                WriteInput([.. new[] { "input_ids", "attention_mask", "position_ids" }.Where(n => reference.Contains($"{batch}.{n}")).Select(n => (n, reference.View($"{batch}.{n}")))]);
                AlmAnswer answer = await Alm.RunAsync(["logits", "--model", folder, "--input", _folder["in.safetensors"], "--output", _folder["out.safetensors"]]);
                Assert.Equal((0, ""), (answer.Code, answer.Error));
                using SafetensorsFile found = SafetensorsFile.Open(_folder["out.safetensors"], _storage);
                Tensor real_BT = reference.View($"{batch}.attention_mask").ne(0);
                foreach (string name in new[] { "logits", "hidden_states" })
                {
                    Tensor difference = (found.View(name) - reference.View($"{batch}.{name}")).abs() * real_BT.unsqueeze(-1);
                    double most = difference.max().item<float>();
                    _output.WriteLine($"{Path.GetFileName(folder)} {batch} {name}: {most:E1}");
                    Assert.InRange(most, 0, 1e-4);
                }
            }
        }
    }

    private void WriteInput(params (string Name, Tensor Value)[] tensors)
        => SafetensorsWriter.Write(_folder["in.safetensors"], _storage, [.. tensors.Select(t => new TensorSource(t.Name, ScalarType.Int64, t.Value))], new Dictionary<string, string>());
}
