using Pipeline.Stages.Ranks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// Sums the gradients of a step over its slots, as a binary tree over their numbers. The gradients of a slot are kept one after another in one
/// float32 tensor, because between ranks many small sums cost more than their bytes. To be used on the device's thread.
/// </summary>
/// <param name="parameters">The trained parameters, in an order that is the same on every rank.</param>
/// <param name="slots">Which slots this rank computes.</param>
/// <param name="ranks">The processes that have the other slots.</param>
internal sealed class SlotSums(IReadOnlyList<Parameter> parameters, StepSlots slots, IRanks ranks) : IDisposable
{
    // By level and index within the level. As soon as two siblings are both there, they are added and become their parent.
    private readonly Dictionary<(int Level, int Index), Tensor> _nodes = [];
    private readonly double[] _present = new double[parameters.Count];

    /// <summary>Takes the gradients that a slot has left at the parameters, which then have none. Slots may come in any order.</summary>
    public void Take(int slot)
    {
        using var quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor sum = empty(parameters.Sum(p => p.numel()), ScalarType.Float32, parameters[0].device);
        long at = 0;
        for (int i = 0; i < parameters.Count; i++)
        {
            Parameter parameter = parameters[i];
            using Tensor place = sum.narrow(0, at, parameter.numel());
            at += parameter.numel();
            if (parameter.grad is { } gradient)
            {
                _present[i] = 1;
                place.copy_(gradient.reshape(-1));
                parameter.grad = null;
            }
            else
            {
                // Zeros are added like any other gradient. Otherwise the result could depend on which slots are added to each other.
                place.zero_();
            }
        }
        Merge(0, slot, sum.DetachFromDisposeScope());
    }

    /// <summary>The sum over all slots of all ranks. To be called once, after this rank has taken all of its slots.</summary>
    /// <returns>A view for each parameter, in float32; null where no slot had a gradient. The views are valid until this object is disposed.</returns>
    public IReadOnlyList<Tensor?> Total()
    {
        // One node is left: the root of this rank's own slots, which are consecutive and a power of two in number.
        Tensor sum = _nodes.Values.Single();
        ranks.Sum(sum);
        ranks.Sum(_present.AsSpan());
        var views = new Tensor?[parameters.Count];
        long at = 0;
        for (int i = 0; i < views.Length; i++)
        {
            views[i] = _present[i] > 0 ? sum.narrow(0, at, parameters[i].numel()).view(parameters[i].shape) : null;
            at += parameters[i].numel();
        }
        return views;
    }

    public void Dispose()
    {
        foreach (Tensor node in _nodes.Values)
            node.Dispose();
    }

    private void Merge(int level, int index, Tensor sum)
    {
        // The root of this rank's slots has its sibling on another rank.
        for (; 1 << level < slots.Mine && _nodes.Remove((level, index ^ 1), out Tensor? sibling); level++, index >>= 1)
        {
            sum.add_(sibling);
            sibling.Dispose();
        }
        _nodes[(level, index)] = sum;
    }

    /// <summary>The sum of the losses, or of other numbers of each slot, by the same tree: [S][K] to [K]. Overwrites its argument.</summary>
    public static double[] Tree(double[][] values)
    {
        for (int width = 1; width < values.Length; width *= 2)
        {
            for (int i = 0; i < values.Length; i += 2 * width)
                values[i] = [.. values[i].Zip(values[i + width], (a, b) => a + b)];
        }
        return values[0];
    }
}
