using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Gguf;

/// <summary>A summary of a GGUF file, for people. What the file does not say is null.</summary>
/// <param name="Architecture">The name by which llama.cpp knows how to compute the model.</param>
/// <param name="Parameters">The number of elements of all tensors.</param>
/// <param name="Types">How many tensors have each type: "39 F32".</param>
/// <param name="Tokens">The size of the vocabulary.</param>
/// <param name="Tokenizer">The kind of tokenizer.</param>
/// <param name="PreTokenizer">llama.cpp's name for how text is split before tokens are merged.</param>
/// <param name="Layers">The number of decoder layers.</param>
/// <param name="Positions">The number of positions that the model was made for.</param>
/// <param name="HasChatTemplate">Whether the file has a chat template.</param>
public sealed record GgufInspection(
    string? Architecture, long Parameters, IReadOnlyList<string> Types, int? Tokens, string? Tokenizer, string? PreTokenizer, long? Layers, long? Positions, bool HasChatTemplate)
{
    /// <summary>Whether there is a file at a path that begins like a GGUF file.</summary>
    public static bool Recognises(IStorage storage, string path) => GgufFile.IsOne(path, storage);

    /// <summary>Summarizes a file.</summary>
    /// <exception cref="InputException">The file does not exist or is corrupt.</exception>
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
