using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>
/// One tensor to be written: its final type and shape, and how to get it when its turn comes, so that no second copy of a model
/// is held. <paramref name="Get"/> may return any device and type; it is converted slice by slice.
/// </summary>
internal sealed record TensorSource(string Name, ScalarType Type, IReadOnlyList<long> Shape, Func<Tensor> Get)
{
    public TensorSource(string name, ScalarType type, Tensor tensor)
        : this(name, type, tensor.shape, () => tensor)
    {
    }

    /// <summary>Whether writing refuses values that are not finite, or are no longer in the type to be written.</summary>
    public bool MustBeFinite { get; init; }

    public long Bytes => Shape.Aggregate((long)TensorType.Bytes(Type), (product, dimension) => checked(product * dimension));
}
