using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Gguf;

/// <summary>What the head of a GGUF file says, for a person.</summary>
/// <param name="Architecture">By which llama.cpp computes it.</param>
/// <param name="Parameters">Elements of all tensors.</param>
/// <param name="Types">How many tensors are of each type: "39 F32".</param>
/// <param name="Tokens">Of the vocabulary; null where it has none.</param>
/// <param name="Tokenizer">Its kind.</param>
/// <param name="PreTokenizer">How text is cut before merging, by llama.cpp's name.</param>
/// <param name="Layers">Of the decoder.</param>
/// <param name="Positions">That it was made for.</param>
/// <param name="HasChatTemplate">Whether one came along.</param>
public sealed record GgufInspection(
    string? Architecture, long Parameters, IReadOnlyList<string> Types, int? Tokens, string? Tokenizer, string? PreTokenizer, long? Layers, long? Positions, bool HasChatTemplate)
{
    /// <summary>Whether a path is a file that begins as a GGUF does.</summary>
    public static bool Recognises(IStorage storage, string path) => GgufFile.IsOne(path, storage);

    /// <exception cref="InputException">It is damaged.</exception>
    public static GgufInspection Of(IStorage storage, string path)
    {
        using GgufFile file = GgufFile.Open(path, storage);
        GgufMetadata metadata = file.Metadata;
        string? architecture = metadata.Text("general.architecture");
        return new GgufInspection(
            architecture,
            file.Tensors.Sum(t => t.Shape.Aggregate(1L, (product, size) => product * size)),
            [.. file.Tensors.GroupBy(t => GgufTypes.Name(t.Type)).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Count()} {g.Key}")],
            metadata.Texts("tokenizer.ggml.tokens")?.Length,
            metadata.Text("tokenizer.ggml.model"),
            metadata.Text("tokenizer.ggml.pre"),
            metadata.Whole($"{architecture}.block_count"),
            metadata.Whole($"{architecture}.context_length"),
            metadata.Text("tokenizer.chat_template") is not null);
    }
}
