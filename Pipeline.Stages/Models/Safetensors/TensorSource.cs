using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>
/// A tensor to be written. Its values are asked for only when its turn comes, so that there is never a second copy of a whole model in memory.
/// </summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Type">The type in which it is written.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Get">Returns the values, in any type and on any device. They are converted slice by slice.</param>
internal sealed record TensorSource(string Name, ScalarType Type, IReadOnlyList<long> Shape, Func<Tensor> Get)
{
    public TensorSource(string name, ScalarType type, Tensor tensor)
        : this(name, type, tensor.shape, () => tensor)
    {
    }

    /// <summary>Whether values are refused that are not finite, or that the type to be written cannot hold.</summary>
    public bool MustBeFinite { get; init; }

    /// <summary>The size of the values in the file, in bytes.</summary>
    public long Bytes => Shape.Aggregate((long)TensorType.Bytes(Type), (product, dimension) => checked(product * dimension));
}
