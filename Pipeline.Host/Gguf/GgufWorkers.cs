using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using LLama.Native;
using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Host.Gguf;

/// <summary>Starts this program again as <c>alm gguf-worker</c>, with llama.cpp compiled for the instructions that the processor has.</summary>
internal sealed class GgufWorkers : IGgufWorkers
{
    public const string CommandName = "gguf-worker";

    /// <summary>The package and what it was built from, by its own table: neither can be asked of the libraries.</summary>
    internal const string Package = "0.30.0", LlamaCpp = "815a2a5";

    public string Engine => $"LLamaSharp {Package}, llama.cpp {LlamaCpp}, {Level()}, float32 keys and values";

    public ProcessStartInfo Command()
    {
        // The program may run by itself, under dotnet, or inside a test's host: its own assembly is what is started. In a single file it has no place.
        string assembly = typeof(GgufWorkers).Assembly.Location;
        string? current = Environment.ProcessPath, name = Path.GetFileNameWithoutExtension(current);
        ProcessStartInfo start = assembly.Length == 0 || name == Path.GetFileNameWithoutExtension(assembly)
            ? new(current!)
            : new(name == "dotnet" ? current! : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet") { ArgumentList = { assembly } };
        start.ArgumentList.Add(CommandName);
        // An assert would start a debugger to write a back trace.
        start.Environment["GGML_NO_BACKTRACE"] = "1";
        return start;
    }

    /// <summary>Loads llama.cpp into this process. Once, before anything else of it is used.</summary>
    public static void Load()
    {
        NativeLibraryConfig.LLama.WithCuda(false).WithVulkan(false).WithAvx(Level()).WithAutoFallback(false).WithLogCallback(LlamaLog.Add);
        // Any call sets where the libraries are looked for: without it, the parameters' defaults are not found.
        NativeApi.llama_empty_call();
    }

    private static AvxLevel Level() => Avx512F.IsSupported ? AvxLevel.Avx512 : Avx2.IsSupported ? AvxLevel.Avx2 : Avx.IsSupported ? AvxLevel.Avx : AvxLevel.None;
}
