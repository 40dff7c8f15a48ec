using Pipeline.Stages.Ranks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// Gradients of a step, summed over its slots by a binary tree over their numbers. A slot's gradients lie one after another in one float32
/// tensor, because many small sums between ranks cost more than their bytes. On the device's thread.
/// </summary>
/// <param name="parameters">What is trained, in an order that every rank has.</param>
/// <param name="slots">Which slots are this rank's.</param>
/// <param name="ranks">Who has the others.</param>
internal sealed class SlotSums(IReadOnlyList<Parameter> parameters, StepSlots slots, IRanks ranks) : IDisposable
{
    // By level and index in it; a node whose sibling comes is added to it, and their parent takes the place of both.
    private readonly Dictionary<(int Level, int Index), Tensor> _nodes = [];
    private readonly double[] _present = new double[parameters.Count];

    /// <summary>Takes the gradients that a slot left at the parameters; the parameters have none afterwards.</summary>
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
                // Zeros are added like any other gradient: whether a slot had one must not depend on who added it to whom.
                place.zero_();
            }
        }
        Merge(0, slot, sum.DetachFromDisposeScope());
    }

    /// <summary>The sum over all slots of all ranks, as a view for each parameter; null where no slot had a gradient.</summary>
    /// <returns>Views of a tensor that is this object's.</returns>
    public IReadOnlyList<Tensor?> Total()
    {
        // What is left is one node: the root of this rank's own slots, which are a power of two in a row.
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
        // The root of this rank's slots has no sibling here.
        for (; 1 << level < slots.Mine && _nodes.Remove((level, index ^ 1), out Tensor? sibling); level++, index >>= 1)
        {
            sum.add_(sibling);
            sibling.Dispose();
        }
        _nodes[(level, index)] = sum;
    }

    /// <summary>Small numbers of each slot, summed by the same tree. [S][K] to [K].</summary>
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
