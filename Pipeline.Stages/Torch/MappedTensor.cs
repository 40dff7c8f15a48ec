using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>A tensor over memory that someone else owns, without a copy. TorchSharp has no public way to do this.</summary>
internal static partial class MappedTensor
{
    // The memory belongs to the map, so there is nothing to free. The delegate has to live as long as any such tensor.
    private static readonly Deleter Nothing = _ => { };
    private static readonly nint NothingPointer = Marshal.GetFunctionPointerForDelegate(Nothing);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Deleter(nint memory);

    /// <summary>Creates the tensor.</summary>
    /// <param name="address">The address of the first value. It has to stay valid as long as the tensor lives, and must not be written to.</param>
    /// <param name="shape">The shape, row-major.</param>
    /// <param name="type">The type of the values there.</param>
    public static Tensor Create(nint address, ReadOnlySpan<long> shape, ScalarType type)
    {
        nint handle;
        unsafe
        {
            fixed (long* sizes = shape)
                handle = New(address, NothingPointer, (nint)sizes, shape.Length, (sbyte)type, (sbyte)type, 0, 0, 0);
        }

        if (handle == 0)
            CheckForErrors();
        return Tensor.UnsafeCreateTensor(handle);
    }

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_new")]
    private static partial nint New(nint data, nint deleter, nint sizes, int sizeCount, sbyte type, sbyte dtype, int deviceType, int deviceIndex, byte requiresGrad);
}
