using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

/// <summary>Random models of <see cref="TinyConfigs"/>, with no weight left at a neutral value.</summary>
internal static class TinyModels
{
    public static CausalLm Create(string name, int seed = 5)
    {
        CausalLm model = CausalLm.Create(ModelConfig.Parse(TinyConfigs.All[name], name), seed, CPU, ScalarType.Float32);
        using IDisposable quiet = no_grad();
        using Generator generator = new((ulong)seed);
        foreach ((string weight, var tensor) in model.Parameters)
        {
            if (weight.EndsWith("norm.weight", StringComparison.Ordinal) || weight.EndsWith(".bias", StringComparison.Ordinal))
                tensor.add_(randn(tensor.shape, ScalarType.Float32, CPU, generator: generator) * 0.3);
        }

        return model;
    }

    /// <summary>Under the names of an exported file.</summary>
    public static Dictionary<string, double[]> Weights(CausalLm model)
    {
        string folder = Directory.CreateTempSubdirectory("alm-tiny-").FullName;
        try
        {
            DiskStorage storage = new();
            model.Save(folder, storage, ScalarType.Float32);
            using SafetensorsFolder files = SafetensorsFolder.Open(folder, storage);
            return files.Entries.ToDictionary(entry => entry.Name, entry => files.View(entry.Name).data<float>().Select(value => (double)value).ToArray());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
