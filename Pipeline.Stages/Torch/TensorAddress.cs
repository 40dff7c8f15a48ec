using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>
/// The address of a tensor's first value in its device's memory, for native libraries that take addresses. It is valid as long as the tensor is.
/// </summary>
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
