using System.Numerics;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Tokenization.Gguf;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>What the process that runs llama.cpp holds, by the head of its file: an estimate.</summary>
public static class GgufMemory
{
    /// <summary>llama.cpp rounds a smaller one up to it.</summary>
    private const int LeastContext = 256;

    /// <param name="path">Full path of a file that our own reader accepts.</param>
    /// <param name="storage">Where it is.</param>
    /// <param name="chunkTokens">Tokens of a row that are computed together.</param>
    /// <param name="longest">Tokens of the longest row; null: unknown.</param>
    internal static PlanLine Plan(string path, IStorage storage, int chunkTokens, double? longest)
    {
        using GgufFile file = GgufFile.Open(path, storage);
        // The batch's logits, and as many again in the graph.
        double logits = 2.0 * sizeof(float) * chunkTokens * (file.Metadata.Texts(GgufKeys.Tokens)?.Length ?? 0);
        double? cache = longest is { } tokens ? ContextTokens((int)Math.Min(tokens, int.MaxValue / 2)) * CacheBytes(file.Metadata) : null;
        return new PlanLine("llama.cpp", storage.Length(path) + logits + (cache ?? 0), PlanUnit.Bytes,
            $"in another process: the file, the logits of a chunk{(cache is null ? "; keys and values of the longest document come on top" : ", keys and values of the longest document")}");
    }

    /// <summary>Positions of the context in which a row is computed: by the row alone, since some models (LongRoPE) compute otherwise in a larger one.</summary>
    public static uint ContextTokens(int tokens) => (uint)Math.Max(LeastContext, BitOperations.RoundUpToPowerOf2((uint)tokens));

    /// <summary>Size of a position's keys and values, float32; null if the metadata do not tell, or if layers differ.</summary>
    private static double? CacheBytes(GgufMetadata metadata)
    {
        string architecture = metadata.Text("general.architecture") ?? "";
        double? Size(string name) => metadata.Values.GetValueOrDefault($"{architecture}.{name}") is long size ? size : null;
        double? perHead = Size("embedding_length") / Size("attention.head_count");
        return sizeof(float) * Size("block_count") * (Size("attention.head_count_kv") ?? Size("attention.head_count"))
            * ((Size("attention.key_length") ?? perHead) + (Size("attention.value_length") ?? perHead));
    }
}
