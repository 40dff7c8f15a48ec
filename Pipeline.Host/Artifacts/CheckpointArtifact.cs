using System.Text.Json.Nodes;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Artifacts;

/// <summary>A checkpoint of a training. Only its manifest is read; the files that it names are checked by <c>verify</c>.</summary>
internal sealed class CheckpointArtifact : IArtifactKind
{
    public string Name => "checkpoint";

    public bool Recognises(IStorage storage, string path) => storage.FileExists(Path.Combine(path, CheckpointManifest.FileName));

    public ArtifactFacts Inspect(IStorage storage, string path)
    {
        CheckpointManifest manifest = CheckpointManifest.Read(storage, path);
        return ArtifactFacts.Of(
            ("step", manifest.Step),
            ("bytes", manifest.Files.Sum(f => f.Bytes)),
            ("files", new JsonArray([.. manifest.Files.Select(f => (JsonNode)f.Name)])));
    }
}
