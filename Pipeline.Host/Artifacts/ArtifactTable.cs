using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Artifacts;

/// <summary>Every kind of artifact, the most particular first. A new kind is one line here.</summary>
internal static class ArtifactTable
{
    public static IReadOnlyList<IArtifactKind> All { get; } =
    [
        new RunFolderArtifact(),
        new CheckpointArtifact(),
        new ShardArtifact(),
        new ShardFolderArtifact(),
        new HypernetworkArtifact(),
        new SeaSumsArtifact(),
        new ModelArtifact(),
        new SeaEditArtifact(),
        new TokenizerArtifact(),
        new ParquetArtifact(),
        new GgufArtifact(),
    ];

    public static IArtifactKind? Of(this IReadOnlyList<IArtifactKind> kinds, IStorage storage, string path)
        => kinds.FirstOrDefault(k => k.Recognises(storage, path));
}
