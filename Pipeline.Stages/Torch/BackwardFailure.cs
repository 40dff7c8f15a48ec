using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Carries an exception of a managed backward function past autograd, which is native code, where it would end the process. The function returns no
/// gradients instead, and the caller of the backward pass throws the exception. The usual cause is out of memory.
/// </summary>
internal static class BackwardFailure
{
    // Not thread-static: on CUDA, autograd calls backward functions on a thread of its own.
    private static Exception? _first;

    /// <summary>Runs the body of a backward function, and keeps what it throws.</summary>
    /// <param name="arguments">The number of arguments of the forward function.</param>
    /// <param name="body">Computes a gradient for each argument.</param>
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

    /// <summary>Runs a backward pass, and throws what a backward function threw in it. If this throws, the gradients are worthless.</summary>
    public static void Run(Action backward)
    {
        try
        {
            backward();
        }
        catch
        {
            // What a backward function threw comes first, because torch may have failed over its missing gradients.
            ThrowIfAny();
            throw;
        }
        ThrowIfAny();
    }

    private static void ThrowIfAny()
    {
        if (Interlocked.Exchange(ref _first, null) is { } first)
            ExceptionDispatchInfo.Throw(first);
    }
}
