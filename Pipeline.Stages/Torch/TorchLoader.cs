using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Loads libtorch and TorchSharp's native shim before any torch type is touched. TorchSharp's own loading ends in a misleading
/// message on systems with a libstdc++ older than GCC 13 (Debian 12, Ubuntu 22.04) and copies half a gigabyte on the way. The libtorch
/// of the package is in a folder of its own, where TorchSharp does not look: two in one process end it.
/// </summary>
public static partial class TorchLoader
{
    /// <summary>The library that holds most of torch, and by which a libtorch folder is known.</summary>
    internal const string CpuLibrary = "libtorch_cpu.so";

    private const string Shim = "libLibTorchSharp.so";
    private const string OwnFolder = "libtorch";
    private static readonly string[] CpuLibraries = ["libc10.so", CpuLibrary, "libtorch.so"];
    private static readonly string[] CudaLibraries = ["libc10_cuda.so", "libtorch_cuda.so"];

    /// <summary>Where the host, and so TorchSharp, looks for native libraries.</summary>
    private static readonly string[] HostsPlaces = [Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"), AppContext.BaseDirectory];

    private static readonly Lock Gate = new();
    private static nint _shim;

    /// <summary>The folder libtorch was loaded from; null before <see cref="Load"/>.</summary>
    public static string? LoadedFrom { get; private set; }

    /// <summary>The shim as shipped, or the patched copy's path.</summary>
    public static string? LoadedShim { get; private set; }

    /// <summary>True when the loaded folder has the CUDA libraries.</summary>
    public static bool HasCuda { get; private set; }

    /// <summary>
    /// Why torch may read a number that is freed meanwhile (a wrong result, or the end of the process); null where that cannot happen, and
    /// before <see cref="Load"/>. See <see cref="ScalarRetirement"/>.
    /// </summary>
    public static string? ScalarFault { get; private set; }

    /// <summary>Loads once per process; later calls do nothing.</summary>
    /// <param name="libtorchFolder">Another libtorch 2.10 folder (its <c>lib</c> folder or the one above); null: <c>ALM_LIBTORCH</c>, else the shipped one.</param>
    /// <exception cref="InputException">No libtorch there, another minor version, or a shim that is not the known one.</exception>
    public static void Load(string? libtorchFolder = null)
    {
        lock (Gate)
        {
            if (_shim != 0)
                return;
            if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            {
                // Elsewhere the package's own loading works; the libstdc++ trouble is Linux's alone.
                _shim = NativeLibrary.Load("LibTorchSharp", typeof(TorchSharp.torch).Assembly, null);
                ScalarFault = $"the repair works only on Linux x64, not {RuntimeInformation.RuntimeIdentifier}";
                return;
            }

            // libgomp reads it once, when it is loaded: spinning threads cost 2-5 times the work on a shared machine.
            SetEnvironment("OMP_WAIT_POLICY", "passive", 0);
            // Without a fixed workspace cuBLAS may sum in another order from call to call, and deterministic kernels refuse it.
            SetEnvironment("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
            // oneDNN keeps a kernel, a third of a megabyte, for each shape of a product: by default the last 1,024. Batches bring ever new shapes.
            SetEnvironment("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128", 0);
            string shim = Found(Shim, HostsPlaces) ?? throw new InputException(
                $"{Shim} is neither in {AppContext.BaseDirectory} nor in runtimes/linux-x64/native below it; reinstall the program");
            string folder = LibtorchFolder(libtorchFolder);
            foreach (string name in CpuLibraries)
                LoadLibrary(folder, name);
            foreach (string name in CudaLibraries)
            {
                if (File.Exists(Path.Combine(folder, name)))
                {
                    LoadLibrary(folder, name);
                    HasCuda = true;
                }
            }

            nint handle = LoadShim(shim);
            ScalarFault = ScalarRetirement.Install(handle);
            AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;
            LoadedFrom = folder;
            _shim = handle;
            TouchConstants();
        }
    }

    // libtorch's exponential (in SiLU and its gradient) reads infinity from memory under a mask that is nearly always empty. As long as that page of the library was never
    // really read, the processor takes five hundred cycles to find out that it need not be. One overflow reads it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void TouchConstants()
    {
        using TorchSharp.torch.Tensor low = TorchSharp.torch.full(64, -1000f), high = TorchSharp.torch.nn.functional.silu(low);
    }

    private static nint Resolve(Assembly assembly, string name) => name == "LibTorchSharp" ? _shim : 0;

    private static nint LoadShim(string shipped)
    {
        LoadedShim = shipped;
        if (NativeLibrary.TryLoad(shipped, out nint handle))
            return handle;
        LoadedShim = ShimCopy.Write(shipped);
        return NativeLibrary.Load(LoadedShim);
    }

    private static string LibtorchFolder(string? given)
    {
        string? wanted = given ?? Environment.GetEnvironmentVariable("ALM_LIBTORCH");
        if (string.IsNullOrEmpty(wanted))
        {
            string shipped = Found(CpuLibrary, [.. HostsPlaces, Path.Combine(AppContext.BaseDirectory, OwnFolder)]) ?? throw new InputException(
                $"{CpuLibrary} is not next to the program ({AppContext.BaseDirectory}); set ALM_LIBTORCH to a libtorch {LibtorchVersion.Wanted} folder");
            return Path.GetDirectoryName(shipped)!;
        }

        string root = Path.GetFullPath(wanted);
        string lib = Path.Combine(root, "lib");
        string folder = File.Exists(Path.Combine(root, CpuLibrary)) ? root : lib;
        if (!File.Exists(Path.Combine(folder, CpuLibrary)))
            throw new InputException($"libtorch folder '{wanted}': no {CpuLibrary} in it or in its lib folder; give the folder of a libtorch {LibtorchVersion.Wanted}");
        LibtorchVersion.Check(folder);
        if (Found(CpuLibrary, HostsPlaces) is { } second && Path.GetDirectoryName(second) != folder)
            throw new InputException($"libtorch folder '{wanted}': {second} would be loaded as well, and two of them in one process abort it; move {second} to the folder {OwnFolder} next to the program");
        return folder;
    }

    private static string? Found(string name, string[] places) => places.Select(place => Path.Combine(place, name)).FirstOrDefault(File.Exists);

    private static void LoadLibrary(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        try
        {
            NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new InputException($"{path}: cannot be loaded ({e.Message.Trim()}); the folder must hold a complete libtorch {LibtorchVersion.Wanted} for this system", e);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
