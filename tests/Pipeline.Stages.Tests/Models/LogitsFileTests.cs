using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

[Collection(TorchCollection.Name)]
public sealed class LogitsFileTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("alm-logits-").FullName;
    private readonly DiskStorage _storage = new();

    private string Input => Path.Combine(_folder, "in.safetensors");

    private string Output => Path.Combine(_folder, "out.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_golden_batch_goes_from_file_to_file()
    {
        if (GoldenModels.Root is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }

        foreach (string folder in GoldenModels.Folders)
        {
            using DisposeScope scope = NewDisposeScope();
            using CausalLm model = CausalLm.Load(folder, _storage, CPU, ScalarType.Float32);
            using SafetensorsFile reference = GoldenModels.Reference(folder);
            foreach (string batch in new[] { "A", "B", "C" }.Where(batch => reference.Contains($"{batch}.input_ids")))
            {
                string[] names = [.. new[] { "input_ids", "attention_mask", "position_ids" }.Where(name => reference.Contains($"{batch}.{name}"))];
                SafetensorsWriter.Write(Input, _storage, names.Select(name => new TensorSource(name, ScalarType.Int64, reference.View($"{batch}.{name}"))));
                LogitsFile.Write(model, Input, Output, _storage);
                using SafetensorsFile result = SafetensorsFile.Open(Output, _storage);
                Tensor real = reference.View($"{batch}.attention_mask").to(ScalarType.Float32).unsqueeze(-1);
                foreach (string name in new[] { "logits", "hidden_states" })
                {
                    Assert.Equal(ScalarType.Float32, result.Entry(name).Type);
                    Assert.Equal(reference.Entry($"{batch}.{name}").Shape, result.Entry(name).Shape);
                    Assert.InRange(GoldenModels.MaxDifference(result.View(name) * real, reference.View($"{batch}.{name}") * real), 0, GoldenModels.Tolerance);
                }
            }
        }
    }

    [Fact]
    public void Ids_alone_mean_every_position_is_a_token_counted_from_0()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("gemma3_text");
        Tensor ids = arange(12, dtype: ScalarType.Int64).view(2, 6);
        SafetensorsWriter.Write(Input, _storage, [new TensorSource("input_ids", ScalarType.Int64, ids)]);
        LogitsFile.Write(model, Input, Output, _storage);
        using (SafetensorsFile alone = SafetensorsFile.Open(Output, _storage))
        {
            Assert.Equal([2, 6, 37], alone.Entry("logits").Shape);
            Assert.Equal([5, 2, 6, 24], alone.Entry("hidden_states").Shape);
            Tensor logits = alone.View("logits").clone();
            SafetensorsWriter.Write(
                Input, _storage, [new TensorSource("input_ids", ScalarType.Int64, ids), new TensorSource("attention_mask", ScalarType.Int64, ones_like(ids)), new TensorSource("position_ids", ScalarType.Int64, arange(6).expand(2, 6))]);
            LogitsFile.Write(model, Input, Output + "2", _storage);
            using SafetensorsFile explained = SafetensorsFile.Open(Output + "2", _storage);
            Assert.InRange(GoldenModels.MaxDifference(explained.View("logits"), logits), 0, 1e-6);
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        Tensor ids = zeros(2, 3, dtype: ScalarType.Int64);
        Refused(model, "'input_ids'", ("ids", ids));
        Refused(model, "from 0 to 37", ("input_ids", ids + tensor(new long[] { 0, 0, 37 })));
        Refused(model, "from -1", ("input_ids", ids - 1));
        Refused(model, "attention_mask", ("input_ids", ids), ("attention_mask", zeros(2, 4, dtype: ScalarType.Int64)));
        Refused(model, "attention_mask", ("input_ids", ids), ("attention_mask", ids + 2));
        Refused(model, "position_ids", ("input_ids", ids), ("position_ids", ids - 3));
        Refused(model, "empty", ("input_ids", zeros(0, 3, dtype: ScalarType.Int64)));
        Refused(model, "F32", ("input_ids", zeros(2, 3)));
    }

    private void Refused(CausalLm model, string expected, params (string Name, Tensor Tensor)[] tensors)
    {
        SafetensorsWriter.Write(Input, _storage, tensors.Select(entry => new TensorSource(entry.Name, entry.Tensor.dtype, entry.Tensor)));
        Assert.Contains(expected, Assert.Throws<InputException>(() => LogitsFile.Write(model, Input, Output, _storage)).Message);
    }
}
