using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;

namespace Pipeline.Host.Artifacts;

/// <summary>A GGUF file. Only its head is read.</summary>
internal sealed class GgufArtifact : IArtifactKind
{
    public string Name => "GGUF file";

    public bool Recognises(IStorage storage, string path) => GgufInspection.Recognises(storage, path);

    public ArtifactFacts Inspect(IStorage storage, string path)
    {
        GgufInspection file = GgufInspection.Of(storage, path);
        return ArtifactFacts.Of(
            ("architecture", file.Architecture),
            ("parameters", file.Parameters),
            ("bytes", storage.Length(path)),
            ("types", new JsonArray([.. file.Types.Select(t => (JsonNode)t)])),
            ("tokens", file.Tokens),
            ("tokenizer", file.Tokenizer),
            ("pre tokenizer", file.PreTokenizer),
            ("layers", file.Layers),
            ("positions", file.Positions),
            ("chat template", file.HasChatTemplate));
    }
}
