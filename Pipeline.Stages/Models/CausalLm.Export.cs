using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <content>Writes a model folder that other programs can open.</content>
public sealed partial class CausalLm
{
    /// <summary>
    /// Writes config.json, generation_config.json and the weights as Hugging Face does for the family, with adapters merged into the weights. Every file
    /// is written in one step, and config.json comes last, so that a folder which has one is complete.
    /// </summary>
    /// <exception cref="Contracts.Errors.InputException">A weight is not finite, or would not be in the type to be written.</exception>
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

    /// <summary>Whether the model has a weight of this name (see <see cref="WeightNames"/>). Families differ in the weights that they have.</summary>
    internal bool HasWeight(string name) => _weights.ContainsKey(name);

    /// <summary>The shape of a weight that the model has.</summary>
    internal long[] ExportShape(string name) => _weights[name].Tensor.shape;

    /// <summary>
    /// A weight as it is exported. If it has an adapter, the result is a float32 tensor with the adapter merged in, and belongs to the caller's dispose
    /// scope. Otherwise it is the model's own tensor.
    /// </summary>
    internal Tensor ExportWeight(string name)
    {
        Tensor weight = _weights[name].Tensor;
        LoraAdapter? adapter = _layers.SelectMany(layer => layer.Projections).FirstOrDefault(map => map.Weight.Name == name)?.Adapter;
        return adapter is null ? weight : weight.to(ScalarType.Float32) + adapter.Delta().to(ScalarType.Float32);
    }

    public void Save(string folder, IStorage storage, ScalarType dtype, long maxShardBytes = ExportOptions.DefaultShardBytes)
        => Save(folder, storage, new ExportOptions(dtype, maxShardBytes));
}
