using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Loads libtorch and TorchSharp's native shim, before anything touches a type of torch. TorchSharp's own loading fails with a misleading message
/// where libstdc++ is older than that of GCC 13 (Debian 12, Ubuntu 22.04), and copies half a gigabyte on the way. The libtorch of the package is in a
/// folder of its own, where TorchSharp does not look, because two of them in one process abort it.
/// </summary>
public static partial class TorchLoader
{
    /// <summary>The library that contains most of torch. A folder that has it is a libtorch folder.</summary>
    internal const string CpuLibrary = "libtorch_cpu.so";

    private const string Shim = "libLibTorchSharp.so";
    private const string OwnFolder = "libtorch";
    private static readonly string[] CpuLibraries = ["libc10.so", CpuLibrary, "libtorch.so"];
    private static readonly string[] CudaLibraries = ["libc10_cuda.so", "libtorch_cuda.so"];

    /// <summary>Where .NET, and therefore TorchSharp, looks for native libraries.</summary>
    private static readonly string[] HostsPlaces = [Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"), AppContext.BaseDirectory];

    private static readonly Lock Gate = new();
    private static nint _shim;

    /// <summary>The folder that libtorch was loaded from; null before <see cref="Load"/>.</summary>
    public static string? LoadedFrom { get; private set; }

    /// <summary>The shim that was loaded: the one that is shipped, or the patched copy.</summary>
    public static string? LoadedShim { get; private set; }

    /// <summary>Whether the loaded folder has the CUDA libraries.</summary>
    public static bool HasCuda { get; private set; }

    /// <summary>
    /// The reason why torch may read a number that has been freed, which gives a wrong result or ends the process. Null where that cannot happen, and
    /// before <see cref="Load"/>. See <see cref="ScalarRetirement"/>.
    /// </summary>
    public static string? ScalarFault { get; private set; }

    /// <summary>Loads torch once for the process. Further calls do nothing.</summary>
    /// <param name="libtorchFolder">
    /// A folder of another libtorch 2.10: its <c>lib</c> folder, or the one above. Null: <c>ALM_LIBTORCH</c>, or otherwise the shipped one.
    /// </param>
    /// <exception cref="InputException">There is no libtorch, or one of another minor version, or the shim is not the known one.</exception>
    public static void Load(string? libtorchFolder = null)
    {
        lock (Gate)
        {
            if (_shim != 0)
                return;
            if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            {
                // Elsewhere the package's own loading works. Only Linux has the trouble with libstdc++.
                _shim = NativeLibrary.Load("LibTorchSharp", typeof(TorchSharp.torch).Assembly, null);
                ScalarFault = $"the repair works only on Linux x64, not {RuntimeInformation.RuntimeIdentifier}";
                return;
            }

            SetEnvironment();
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

    // libtorch's exponential, which SiLU and its gradient use, reads infinity from memory under a mask that is nearly always empty. Until some program has
    // really read that page of the library, the processor takes about five hundred cycles to find out that it need not. One overflow reads it.
    // Not inlined, because TorchSharp must not be touched before its library is loaded.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void TouchConstants()
    {
        using TorchSharp.torch.Tensor low = TorchSharp.torch.full(64, -1000f), high = TorchSharp.torch.nn.functional.silu(low);
    }

    /// <summary>Sets what libraries read from the environment when they are loaded. What the user has set stays.</summary>
    internal static void SetEnvironment()
    {
        if (!OperatingSystem.IsLinux())
            return;
        // libgomp reads this once, when it is loaded. On a shared machine, threads that spin while they wait cost 2 to 5 times as much processor
        // time.
        SetEnvironment("OMP_WAIT_POLICY", "passive", 0);
        // Without a workspace of fixed size, cuBLAS may sum in another order from one call to the next. Deterministic kernels refuse to run
        // without it.
        SetEnvironment("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
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
