using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>llama.cpp computes of an export what Hugging Face computes of the model, for every golden model that GGUF can say.</summary>
public sealed class GoldenExportTests : IDisposable
{
    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TorchDevice _torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);

    public GoldenExportTests(ITestOutputHelper output) => _output = output;

    public void Dispose()
    {
        _torch.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Logits_are_those_of_the_reference_or_the_model_is_refused_by_name()
    {
        if (SharedFolder.Below("golden/models", _output) is not { } root)
            return;
        int compared = 0;
        foreach (string folder in Directory.GetDirectories(root).Where(f => File.Exists(Path.Combine(f, "reference.safetensors"))).Order(StringComparer.Ordinal))
        {
            ModelConfig config = ModelConfig.Load(folder, _storage);
            string file = _folder[$"{Path.GetFileName(folder)}.gguf"];
            try
            {
                IReadOnlyList<string> remarks = await _torch.RunAsync(() => GgufModelFile.Convert(folder, null, file, GgufType.F32, _storage, _torch), default);
                compared += Compare(folder, file, config, remarks);
            }
            catch (InputException e)
            {
                // Only layers that slide in no rhythm are what no file can say.
                _output.WriteLine($"{Path.GetFileName(folder)}: {e.Message}");
                Assert.Contains("layer_types", e.Message, StringComparison.Ordinal);
                Assert.Null(Enumerable.Range(1, config.Layers + 1).Cast<int?>().FirstOrDefault(n => config.IsSliding.Index().All(l => l.Item == ((l.Index + 1) % n != 0))));
            }
        }
        Assert.True(compared > 8, $"{compared} models compared");
    }

    private int Compare(string folder, string file, ModelConfig config, IReadOnlyList<string> remarks)
    {
        // llama.cpp looks its GELU up in a table of float16.
        double allowed = config.Activation == Activation.GeluTanh ? 1e-2 : 1e-4;
        bool isWindowed = config.SlidingWindow is not null && remarks.Any(r => r.Contains("has no windows", StringComparison.Ordinal));
        int most = isWindowed ? config.SlidingWindow!.Value : int.MaxValue;
        using SafetensorsFile reference = SafetensorsFile.Open(Path.Combine(folder, "reference.safetensors"), _storage);
        using GgufWorkerClient llama = LlamaCpp.Open(file);
        foreach (string batch in (string[])["A", "B"])
        {
            using Tensor ids = reference.View($"{batch}.input_ids"), mask = reference.View($"{batch}.attention_mask"), logits = reference.View($"{batch}.logits");
            int length = (int)ids.size(1), vocabulary = (int)logits.size(2);
            long[] id = ids.data<long>().ToArray(), real = mask.to_type(ScalarType.Int64).data<long>().ToArray();
            float[] expected = logits.data<float>().ToArray();
            double worst = 0;
            for (int row = 0; row < ids.size(0); row++)
            {
                int[] places = [.. Enumerable.Range(row * length, length).Where(i => real[i] == 1).Take(most)];
                float[] found = llama.Logits(Array.ConvertAll(places, i => (int)id[i]));
                worst = Math.Max(worst, LlamaCpp.Difference(found, [.. places.SelectMany(i => expected.AsSpan(i * vocabulary, vocabulary).ToArray())]));
            }
            _output.WriteLine($"{Path.GetFileName(folder)} {batch}: off by {worst:E1}{(isWindowed ? $" within its window of {most}" : "")}");
            Assert.True(worst <= allowed, $"{folder}, batch {batch}: logits are off by {worst}, {allowed} is allowed");
        }
        return 1;
    }
}
