using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>A tensor in a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its values.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">Where its values begin, in bytes from the beginning of the file.</param>
/// <param name="Bytes">The size of its values in bytes.</param>
public sealed record TensorEntry(string Name, ScalarType Type, IReadOnlyList<long> Shape, long Offset, long Bytes)
{
    public override string ToString() => $"{Name} {TensorType.Name(Type)} [{string.Join(",", Shape)}]";
}
