using System.Runtime.InteropServices;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Torch;

/// <summary>
/// On CUDA many kernels add floats in the order in which threads happen to finish, so that two runs of one job differ, and a run that
/// was interrupted differs from one that was not. Torch has kernels that do not; TorchSharp does not bind the switch, so it is set where
/// it lives: <c>at::Context</c>, in libtorch. A kernel without such a form then throws and says so.
/// </summary>
internal static unsafe class DeterministicKernels
{
    /// <exception cref="InputException">This libtorch has the switch elsewhere.</exception>
    public static void Use()
    {
        nint library = NativeLibrary.Load(Path.Combine(TorchLoader.LoadedFrom!, TorchLoader.CpuLibrary));
        nint context = ((delegate* unmanaged<nint>)Find(library, "_ZN2at13globalContextEv"))();
        // (on, only warn): with the second one attention takes its other kernels all the same.
        ((delegate* unmanaged<nint, byte, byte, void>)Find(library, "_ZN2at7Context26setDeterministicAlgorithmsEbb"))(context, 1, 0);
        // Else every new tensor would be filled with NaN first, to make reads of unset memory show.
        ((delegate* unmanaged<nint, byte, void>)Find(library, "_ZN2at7Context39setDeterministicFillUninitializedMemoryEb"))(context, 0);
    }

    private static nint Find(nint library, string symbol)
        => NativeLibrary.TryGetExport(library, symbol, out nint address) ? address : throw new InputException(
            $"{TorchLoader.CpuLibrary} in {TorchLoader.LoadedFrom} does not export {symbol}, which makes results on CUDA repeatable; use libtorch {LibtorchVersion.Wanted}");
}
