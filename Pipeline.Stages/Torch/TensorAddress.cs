using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>Where a tensor's first value lies, in the memory of its device: for libraries that take such addresses.</summary>
internal static partial class TensorAddress
{
    public static nint Of(Tensor tensor)
    {
        nint address = Data(tensor.Handle);
        GC.KeepAlive(tensor);
        return address;
    }

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint Data(nint tensor);
}
