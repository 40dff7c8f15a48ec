using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>A named parameter that can be exchanged: for a new vocabulary, or for a copy of its own once it is to be trained.</summary>
internal sealed class Weight(string name, Tensor tensor, bool isMapped)
{
    public string Name { get; } = name;

    public Parameter Tensor { get; private set; } = Own(tensor);

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
        IsMapped = false;
        before.Dispose();
    }

    private static Parameter Own(Tensor tensor) => (Parameter)new Parameter(tensor, requires_grad: false).DetachFromDisposeScope();
}
