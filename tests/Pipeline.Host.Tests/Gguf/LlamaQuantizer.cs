using LLama.Native;
using Pipeline.Host.Gguf;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>llama.cpp's own quantization, in this process: files as other people make them, of types that are not written here.</summary>
internal static class LlamaQuantizer
{
    private static readonly Lazy<bool> s_loaded = new(() =>
    {
        GgufWorkers.Load();
        return true;
    });

    /// <param name="from">A GGUF of F32 or F16.</param>
    /// <param name="to">The file to make.</param>
    /// <param name="type">Of most of its matrices.</param>
    public static void Write(string from, string to, LLamaFtype type)
    {
        _ = s_loaded.Value;
        LLamaModelQuantizeParams parameters = LLamaModelQuantizeParams.Default();
        parameters.ftype = type;
        parameters.nthread = 1;
        uint failed = NativeApi.llama_model_quantize(from, to, ref parameters);
        if (failed != 0)
            throw new InvalidOperationException($"llama_model_quantize of {from} to {type}: {failed}\n{LlamaLog.Take()}");
    }
}
