using System.Runtime.InteropServices;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Makes results on CUDA repeatable. There, many kernels add floats in the order in which threads happen to finish. Two runs of one job then differ,
/// and so does a run that was interrupted. Torch also has deterministic kernels. TorchSharp does not bind the switch for them, so it is set where it
/// is: in <c>at::Context</c> of libtorch. An operator without a deterministic kernel then throws and says so.
/// </summary>
internal static unsafe class DeterministicKernels
{
    /// <summary>Turns the deterministic kernels on.</summary>
    /// <exception cref="InputException">This libtorch does not have the switch where it is expected.</exception>
    public static void Use()
    {
        nint library = NativeLibrary.Load(Path.Combine(TorchLoader.LoadedFrom!, TorchLoader.CpuLibrary));
        nint context = ((delegate* unmanaged<nint>)Find(library, "_ZN2at13globalContextEv"))();
        // The arguments are (on, only warn). If it only warned, attention would still use its other kernels.
        ((delegate* unmanaged<nint, byte, byte, void>)Find(library, "_ZN2at7Context26setDeterministicAlgorithmsEbb"))(context, 1, 0);
        // Otherwise every new tensor would first be filled with NaN, which serves to find reads of unset memory.
        ((delegate* unmanaged<nint, byte, void>)Find(library, "_ZN2at7Context39setDeterministicFillUninitializedMemoryEb"))(context, 0);
    }

    private static nint Find(nint library, string symbol)
        => NativeLibrary.TryGetExport(library, symbol, out nint address) ? address : throw new InputException(
            $"{TorchLoader.CpuLibrary} in {TorchLoader.LoadedFrom} does not export {symbol}, which makes results on CUDA repeatable; use libtorch {LibtorchVersion.Wanted}");
}
