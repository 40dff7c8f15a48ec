using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Carries what a managed backward function throws past autograd, which is native and would end the process: the function gives no
/// gradients, and who called the backward pass throws. Out of memory is what makes one throw.
/// </summary>
internal static class BackwardFailure
{
    // Not of a thread: on CUDA autograd calls from one of its own.
    private static Exception? _first;

    /// <summary>For the body of a backward function; the arguments of its forward function are counted.</summary>
    public static List<Tensor> Catch(int arguments, Func<List<Tensor>> body)
    {
        try
        {
            return body();
        }
#pragma warning disable CA1031 // Whatever it is, native code must not see it; it is thrown when the pass is over.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref _first, e, null);
            return BackwardResults.Return(new Tensor?[arguments]);
        }
    }

    /// <summary>Call when a backward pass is over, whether it threw or not: its gradients are worth nothing when this throws.</summary>
    public static void ThrowIfAny()
    {
        if (Interlocked.Exchange(ref _first, null) is { } first)
            ExceptionDispatchInfo.Throw(first);
    }
}
