using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Artifacts;

/// <summary>
/// All kinds of artifacts. A path belongs to the first kind that recognises it, so the more specific kinds come first. A new kind is one line here.
/// </summary>
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

    /// <summary>The kind of a file or folder. Null if no kind recognises it.</summary>
    public static IArtifactKind? Of(this IReadOnlyList<IArtifactKind> kinds, IStorage storage, string path)
        => kinds.FirstOrDefault(k => k.Recognises(storage, path));
}
