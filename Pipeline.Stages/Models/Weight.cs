using Pipeline.Stages.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// A named parameter of a model. Its tensor can be exchanged, for a new vocabulary, or for a copy that can be written to once it is to be trained.
/// </summary>
/// <param name="name">Its name; see <see cref="WeightNames"/>.</param>
/// <param name="tensor">Its first values, which this object takes over. The model disposes of them in the end.</param>
/// <param name="isMapped">See <see cref="IsMapped"/>.</param>
internal sealed class Weight(string name, Tensor tensor, bool isMapped)
{
    private nint _address;

    public string Name { get; } = name;

    public Parameter Tensor { get; private set; } = Own(tensor);

    /// <summary>The address of the values, row after row. Only for float32 on the CPU.</summary>
    /// <exception cref="InvalidOperationException">The values do not lie in memory in this order.</exception>
    public unsafe float* Values => (float*)(_address == 0 ? _address = Address() : _address);

    public int Rows => (int)Tensor.size(0);

    public int Width => (int)Tensor.size(1);

    /// <summary>Whether the tensor is a view of the memory-mapped file, which must not be written to.</summary>
    public bool IsMapped { get; private set; } = isMapped;

    /// <summary>Makes the weight trainable, as a copy if it is mapped, or freezes it and drops its gradient.</summary>
    public void SetTrainable(bool trainable)
    {
        if (trainable && IsMapped)
            Replace(Tensor.detach().clone());
        Tensor.requires_grad = trainable;
        if (!trainable)
            Tensor.grad = null;
    }

    /// <summary>Takes over another tensor and disposes of the present one. The weight is frozen afterwards.</summary>
    public void Replace(Tensor replacement)
    {
        Parameter before = Tensor;
        Tensor = Own(replacement);
        _address = 0;
        IsMapped = false;
        before.Dispose();
    }

    private nint Address()
        => Tensor.is_contiguous() ? TensorAddress.Of(Tensor) : throw new InvalidOperationException($"{Name} does not lie in memory row after row");

    private static Parameter Own(Tensor tensor) => (Parameter)new Parameter(tensor, requires_grad: false).DetachFromDisposeScope();
}
