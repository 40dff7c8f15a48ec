using System.Numerics;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Tokenization.Gguf;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>Estimates, from the head of a GGUF file, how much memory the process that runs llama.cpp will need.</summary>
public static class GgufMemory
{
    /// <summary>The smallest context, in tokens. llama.cpp rounds smaller ones up to it.</summary>
    private const int LeastContext = 256;

    /// <summary>The memory of the process: the file, the logits of a chunk, and the keys and values of one row if its length is known.</summary>
    /// <param name="path">The full path of a file that our own reader accepts.</param>
    /// <param name="storage">The storage that has the file.</param>
    /// <param name="chunkTokens">How many tokens of a row are computed together.</param>
    /// <param name="longest">The number of tokens in the longest row; null if it is unknown.</param>
    internal static PlanLine Plan(string path, IStorage storage, int chunkTokens, double? longest)
    {
        using GgufFile file = GgufFile.Open(path, storage);
        // llama.cpp has the logits of a chunk twice: once in its output, and once in the graph that computes them.
        double logits = 2.0 * sizeof(float) * chunkTokens * (file.Metadata.Texts(GgufKeys.Tokens)?.Length ?? 0);
        double? cache = longest is { } tokens ? ContextTokens((int)Math.Min(tokens, int.MaxValue / 2)) * CacheBytes(file.Metadata) : null;
        return new PlanLine("llama.cpp", storage.Length(path) + logits + (cache ?? 0), PlanUnit.Bytes,
            $"in another process: the file, the logits of a chunk{(cache is null ? "; keys and values of the longest document come on top" : ", keys and values of the longest document")}");
    }

    /// <summary>
    /// The size of the context in which a row is computed, in positions. It depends on the row's length alone, because some models (LongRoPE) give other
    /// numbers in a larger context.
    /// </summary>
    /// <param name="tokens">The number of tokens in the row.</param>
    public static uint ContextTokens(int tokens) => (uint)Math.Max(LeastContext, BitOperations.RoundUpToPowerOf2((uint)tokens));

    /// <summary>Bytes of the keys and values of one position, in float32; null if the metadata do not say, or if layers differ in size.</summary>
    private static double? CacheBytes(GgufMetadata metadata)
    {
        string architecture = metadata.Text("general.architecture") ?? "";
        double? Size(string name) => metadata.Values.GetValueOrDefault($"{architecture}.{name}") is long size ? size : null;
        double? perHead = Size("embedding_length") / Size("attention.head_count");
        return sizeof(float) * Size("block_count") * (Size("attention.head_count_kv") ?? Size("attention.head_count"))
            * ((Size("attention.key_length") ?? perHead) + (Size("attention.value_length") ?? perHead));
    }
}
