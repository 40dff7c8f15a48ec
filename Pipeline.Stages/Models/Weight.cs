using Pipeline.Stages.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>A named parameter that can be exchanged: for a new vocabulary, or for a copy of its own once it is to be trained.</summary>
internal sealed class Weight(string name, Tensor tensor, bool isMapped)
{
    private nint _address;

    public string Name { get; } = name;

    public Parameter Tensor { get; private set; } = Own(tensor);

    /// <summary>Where the values lie, row after row; on the processor.</summary>
    public unsafe float* Values => (float*)(_address == 0 ? _address = Address() : _address);

    public int Rows => (int)Tensor.size(0);

    public int Width => (int)Tensor.size(1);

    /// <summary>True while it looks into the memory map of the file, which nobody may write to.</summary>
    public bool IsMapped { get; private set; } = isMapped;

    public void SetTrainable(bool trainable)
    {
        if (trainable && IsMapped)
            Replace(Tensor.detach().clone());
        Tensor.requires_grad = trainable;
        if (!trainable)
            Tensor.grad = null;
    }

    /// <summary>Takes the tensor over and frees the one before.</summary>
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
