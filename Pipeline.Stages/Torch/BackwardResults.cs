using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Hands the gradients of a custom backward function to autograd, which takes its own references only after the function has returned. On CUDA it
/// calls from a thread of its own, where there is no dispose scope. Without this class, the handles would hold device memory until the garbage
/// collector happens to run.
/// </summary>
internal static class BackwardResults
{
    [ThreadStatic]
    private static Tensor[]? _last;

    /// <summary>To be called last in a backward function. Disposes the results of the thread's previous call.</summary>
    /// <param name="gradients">One for each argument of the forward function; null where there is none.</param>
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
