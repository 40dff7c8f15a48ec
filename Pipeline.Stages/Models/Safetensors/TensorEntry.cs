using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>Where a tensor lies: <paramref name="Offset"/> and <paramref name="Bytes"/> are within the file.</summary>
public sealed record TensorEntry(string Name, ScalarType Type, IReadOnlyList<long> Shape, long Offset, long Bytes)
{
    public override string ToString() => $"{Name} {TensorType.Name(Type)} [{string.Join(",", Shape)}]";
}
