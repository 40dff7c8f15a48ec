using TorchSharp;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Numbers for torch's operators that live as long as the process. A number that is written in place becomes a Scalar, whose native memory TorchSharp
/// passes on without holding it. Its finalizer may free it while the call still reads it, which gives a wrong number or an exception.
/// </summary>
internal static class Scalars
{
    public static readonly Scalar Zero = 0;

    public static readonly Scalar NegativeInfinity = double.NegativeInfinity;
}
