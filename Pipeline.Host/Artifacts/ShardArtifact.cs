using System.Collections.ObjectModel;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Shards;

namespace Pipeline.Host.Artifacts;

/// <summary>A single shard.</summary>
internal sealed class ShardArtifact : IArtifactKind
{
    public string Name => "shard";

    public bool Recognises(IStorage storage, string path) => path.EndsWith(ShardFormat.Extension, StringComparison.Ordinal) && storage.FileExists(path);

    public ArtifactFacts Inspect(IStorage storage, string path) => Of(ShardInspection.Of(ShardReader.Open(storage, path)));

    internal static ArtifactFacts Of(ShardInspection inspection) => new(inspection.Rows, JsonNode.Parse(inspection.ToJson())!);
}

/// <summary>A folder of shards. It can be inspected only if no shard is missing.</summary>
internal sealed class ShardFolderArtifact : IArtifactKind
{
    public string Name => "folder of shards";

    public bool Recognises(IStorage storage, string path)
        => storage.DirectoryExists(path)
            && (storage.FileExists(ShardManifest.PathIn(path))
                || storage.List(path).Any(p => p.EndsWith(ShardFormat.Extension, StringComparison.Ordinal) && !Staging.IsStaging(p)));

    public ArtifactFacts Inspect(IStorage storage, string path)
        => ShardArtifact.Of(ShardInspection.Of(ShardSet.Open(storage, path, ReadOnlyDictionary<string, string>.Empty)));
}
