using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Checkpoints;

/// <summary>The checkpoints of a folder.</summary>
internal static class CheckpointSet
{
    /// <summary>
    /// The newest checkpoint whose every checksum is right. Those that are newer and are not whole are named, with the reason: a run
    /// continues from an older one rather than not at all.
    /// </summary>
    /// <exception cref="InputException">The newest is of a version this program does not read.</exception>
    public static CheckpointSearch FindLatest(IStorage storage, string folder, CancellationToken cancellationToken = default)
    {
        var skipped = new List<DamagedException>();
        foreach (string path in List(storage, folder).Reverse())
        {
            try
            {
                return new CheckpointSearch(Open(storage, path, cancellationToken), skipped);
            }
            catch (DamagedException e)
            {
                skipped.Add(new DamagedException(path, $"checkpoint {path} is not used: {e.Message}", e));
            }
        }
        return new CheckpointSearch(null, skipped);
    }

    /// <summary>Checks every file of a checkpoint.</summary>
    /// <exception cref="DamagedException">Names the file, what was found, what was expected.</exception>
    /// <exception cref="InputException">It is of a version this program does not read.</exception>
    public static Checkpoint Open(IStorage storage, string path, CancellationToken cancellationToken = default)
    {
        CheckpointManifest manifest = CheckpointManifest.Read(storage, path);
        if (CheckpointFolder.StepOf(path) != manifest.Step)
            throw new DamagedException(path, $"{path} says it is step {manifest.Step}");
        foreach (FileHash file in manifest.Files)
            file.Verify(storage, path, cancellationToken);
        return new Checkpoint(storage, path, manifest);
    }

    /// <summary>Folders of checkpoints by name, whole or not, oldest first.</summary>
    public static IReadOnlyList<string> List(IStorage storage, string folder)
        => [.. storage.List(folder).Where(p => CheckpointFolder.StepOf(p) is not null && storage.DirectoryExists(p)).OrderBy(CheckpointFolder.StepOf)];
}

/// <summary>What was found, and what was newer but is not whole.</summary>
internal sealed record CheckpointSearch(Checkpoint? Latest, IReadOnlyList<DamagedException> Skipped);
