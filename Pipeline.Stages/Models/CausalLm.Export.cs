using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <content>Writing a folder that other programs open.</content>
public sealed partial class CausalLm
{
    /// <summary>
    /// Writes config.json, generation_config.json and the weights as Hugging Face does for the family; adapters are merged in. Every
    /// file is written in one step, config last, so that a folder with a config is whole.
    /// </summary>
    /// <exception cref="Contracts.Errors.InputException">A weight is not finite, or not in the type to be written.</exception>
    public void Save(string folder, IStorage storage, ExportOptions options)
    {
        storage.CreateDirectory(folder);
        Dictionary<string, LoraAdapter> adapters = new(StringComparer.Ordinal);
        foreach (Projection map in _layers.SelectMany(layer => layer.Projections))
        {
            if (map.Adapter is { } adapter)
                adapters.Add(map.Weight.Name, adapter);
        }

        Tensor Merged(StoredPart part)
        {
            Tensor weight = _weights[part.Name].Tensor;
            return adapters.TryGetValue(part.Name, out LoraAdapter? adapter) ? weight.to(ScalarType.Float32) + adapter.Delta().to(ScalarType.Float32) : weight;
        }

        IEnumerable<TensorSource> tensors = WeightLayout.Of(Config).Select(stored => new TensorSource(
            stored.Name, options.Type, stored.Shape, () => stored.Parts.Count == 1 ? Merged(stored.Parts[0]) : cat([.. stored.Parts.Select(part => Merged(part).to(ScalarType.Float32))]))
        {
            MustBeFinite = true,
        });
        SafetensorsWriter.WriteFolder(folder, storage, [.. tensors], options.MaxShardBytes);
        ConfigWriter.Write(folder, storage, Config, options);
    }

    public void Save(string folder, IStorage storage, ScalarType dtype, long maxShardBytes = ExportOptions.DefaultShardBytes)
        => Save(folder, storage, new ExportOptions(dtype, maxShardBytes));
}
