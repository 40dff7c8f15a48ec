using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Hands gradients of a custom function to autograd. Autograd takes its own reference once the function has returned, and on CUDA
/// it calls from a thread of its own, where no dispose scope is: without this, the handles would hold device memory until the
/// garbage collector happens to run.
/// </summary>
internal static class BackwardResults
{
    [ThreadStatic]
    private static Tensor[]? _last;

    /// <summary>Call last in a backward function, with one entry per argument of the forward function, null where there is no gradient.</summary>
    public static List<Tensor> Return(params Tensor?[] gradients)
    {
        foreach (Tensor given in _last ?? [])
            given.Dispose();
        _last = [.. gradients.OfType<Tensor>()];
        foreach (Tensor tensor in _last)
            tensor.DetachFromDisposeScope();
        return [.. gradients.Select(gradient => gradient!)];
    }
}
