using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;

namespace Pipeline.Host.Artifacts;

/// <summary>A GGUF file, by its head.</summary>
internal sealed class GgufArtifact : IArtifactKind
{
    public string Name => "GGUF file";

    public bool Recognises(IStorage storage, string path) => GgufFile.IsOne(path, storage);

    public ArtifactFacts Inspect(IStorage storage, string path)
    {
        using GgufFile file = GgufFile.Open(path, storage);
        GgufMetadata metadata = file.Metadata;
        string? architecture = metadata.Text("general.architecture");
        return ArtifactFacts.Of(
            ("architecture", architecture),
            ("name", metadata.Text("general.name")),
            ("parameters", file.Tensors.Sum(t => t.Shape.Aggregate(1L, (product, size) => product * size))),
            ("bytes", storage.Length(path)),
            ("types", new JsonArray([.. file.Tensors.GroupBy(t => GgufTypes.Name(t.Type)).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => (JsonNode)$"{g.Count()} {g.Key}")])),
            ("tokens", metadata.Texts("tokenizer.ggml.tokens")?.Length),
            ("tokenizer", metadata.Text("tokenizer.ggml.model")),
            ("pre tokenizer", metadata.Text("tokenizer.ggml.pre")),
            ("layers", metadata.Whole($"{architecture}.block_count")),
            ("positions", metadata.Whole($"{architecture}.context_length")),
            ("chat template", metadata.Text("tokenizer.chat_template") is not null));
    }
}
