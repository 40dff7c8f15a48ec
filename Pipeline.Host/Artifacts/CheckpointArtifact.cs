using System.Text.Json.Nodes;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Artifacts;

/// <summary>A checkpoint: its step and files, as its manifest says; <c>verify</c> reads them.</summary>
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
