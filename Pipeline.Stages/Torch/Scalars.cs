using TorchSharp;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Numbers for torch's operators that outlive every call. A number written in place becomes a Scalar whose native memory TorchSharp
/// passes on without holding it: its finalizer may free it while the call still reads it, which ends in a wrong number or an exception.
/// </summary>
internal static class Scalars
{
    public static readonly Scalar Zero = 0;

    public static readonly Scalar NegativeInfinity = double.NegativeInfinity;
}
