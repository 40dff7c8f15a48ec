using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Steering;

namespace Pipeline.Host.Artifacts;

/// <summary>An edit of activations: the folder that <c>project-sea</c> has written, or the file of the edit, which can also lie next to a model.</summary>
internal sealed class SeaEditArtifact : IArtifactKind
{
    public string Name => "edit of activations";

    public bool Recognises(IStorage storage, string path)
        => SteeringEdit.IsIn(path, storage) || (Path.GetFileName(path) == SteeringEdit.FileName && storage.FileExists(path));

    public ArtifactFacts Inspect(IStorage storage, string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(SteeringEdit.PathOf(path, storage), storage);
        return ArtifactFacts.Of(
        [
            .. file.Metadata.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => (m.Key, (JsonNode?)m.Value)),
            ("ranks kept", Ranks(file, ".positive")),
            ("ranks dropped", Ranks(file, ".negative")),
        ]);
    }

    private static JsonArray Ranks(SafetensorsFile file, string side)
        => [.. file.Metadata.GetValueOrDefault("layers", "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(layer => JsonValue.Create(file.Entry($"layer{layer}{side}").Shape[1]))];
}
