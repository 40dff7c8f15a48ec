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
        IEnumerable<TensorSource> tensors = WeightLayout.Of(Config).Select(stored => new TensorSource(
            stored.Name, options.Type, stored.Shape, () => stored.Parts.Count == 1 ? ExportWeight(stored.Parts[0].Name) : cat([.. stored.Parts.Select(part => ExportWeight(part.Name).to(ScalarType.Float32))]))
        {
            MustBeFinite = true,
        });
        SafetensorsWriter.WriteFolder(folder, storage, [.. tensors], options.MaxShardBytes);
        ConfigWriter.Write(folder, storage, Config, options);
    }

    /// <summary>Whether there is a weight of this name (see <see cref="WeightNames"/>); not every family has every one.</summary>
    internal bool HasWeight(string name) => _weights.ContainsKey(name);

    /// <summary>The shape of a weight that is there.</summary>
    internal long[] ExportShape(string name) => _weights[name].Tensor.shape;

    /// <summary>A weight as exports have it: with its adapter merged in, where it has one. Belongs to the caller's dispose scope where that is so.</summary>
    internal Tensor ExportWeight(string name)
    {
        Tensor weight = _weights[name].Tensor;
        LoraAdapter? adapter = _layers.SelectMany(layer => layer.Projections).FirstOrDefault(map => map.Weight.Name == name)?.Adapter;
        return adapter is null ? weight : weight.to(ScalarType.Float32) + adapter.Delta().to(ScalarType.Float32);
    }

    public void Save(string folder, IStorage storage, ScalarType dtype, long maxShardBytes = ExportOptions.DefaultShardBytes)
        => Save(folder, storage, new ExportOptions(dtype, maxShardBytes));
}
