using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using LLama.Native;
using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Host.Gguf;

/// <summary>Starts this program again as <c>alm gguf-worker</c>, in which llama.cpp runs, in a build that fits the instructions of the processor.</summary>
internal sealed class GgufWorkers : IGgufWorkers
{
    public const string CommandName = "gguf-worker";

    /// <summary>The version of the package, and the commit of llama.cpp that it was built from, as the package documents it. The libraries do not say.</summary>
    internal const string Package = "0.30.0", LlamaCpp = "815a2a5";

    public string Engine => $"LLamaSharp {Package}, llama.cpp {LlamaCpp}, {Level()}, float32 keys and values";

    public ProcessStartInfo Command()
    {
        // The program may run by itself, under dotnet, or inside the host of a test. Its own assembly is started in any case. A program that is a single file
        // has no path of an assembly, and starts itself.
        string assembly = typeof(GgufWorkers).Assembly.Location;
        string? current = Environment.ProcessPath, name = Path.GetFileNameWithoutExtension(current);
        ProcessStartInfo start = assembly.Length == 0 || name == Path.GetFileNameWithoutExtension(assembly)
            ? new(current!)
            : new(name == "dotnet" ? current! : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet") { ArgumentList = { assembly } };
        start.ArgumentList.Add(CommandName);
        // Otherwise a failed assertion of llama.cpp would start a debugger to print a backtrace.
        start.Environment["GGML_NO_BACKTRACE"] = "1";
        return start;
    }

    /// <summary>Loads llama.cpp into this process. Must be called once, before anything else of it is used.</summary>
    public static void Load()
    {
        NativeLibraryConfig.LLama.WithCuda(false).WithVulkan(false).WithAvx(Level()).WithAutoFallback(false).WithLogCallback(LlamaLog.Add);
        // The first call of any function sets where the libraries are looked for. Without it, the default parameters could not be asked for.
        NativeApi.llama_empty_call();
    }

    private static AvxLevel Level() => Avx512F.IsSupported ? AvxLevel.Avx512 : Avx2.IsSupported ? AvxLevel.Avx2 : Avx.IsSupported ? AvxLevel.Avx : AvxLevel.None;
}
