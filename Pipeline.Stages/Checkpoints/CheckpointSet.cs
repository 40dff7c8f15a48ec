using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Checkpoints;

/// <summary>Finds and checks the checkpoints in a folder.</summary>
internal static class CheckpointSet
{
    /// <summary>
    /// Finds the newest checkpoint whose checksums are all right. Newer ones that are damaged are named, with the reason. A run continues from an
    /// older checkpoint rather than not at all.
    /// </summary>
    /// <exception cref="InputException">The newest checkpoint is of a version that this program does not read.</exception>
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

    /// <summary>Opens a checkpoint and checks every file of it.</summary>
    /// <exception cref="DamagedException">A file is not what was written. The message names the file, what was found and what was expected.</exception>
    /// <exception cref="InputException">The checkpoint is of a version that this program does not read.</exception>
    public static Checkpoint Open(IStorage storage, string path, CancellationToken cancellationToken = default)
    {
        CheckpointManifest manifest = CheckpointManifest.Read(storage, path);
        if (CheckpointFolder.StepOf(path) != manifest.Step)
            throw new DamagedException(path, $"{path} says it is step {manifest.Step}");
        foreach (FileHash file in manifest.Files)
            file.Verify(storage, path, cancellationToken);
        return new Checkpoint(storage, path, manifest);
    }

    /// <summary>The folders that are checkpoints by their names, damaged or not, oldest first.</summary>
    public static IReadOnlyList<string> List(IStorage storage, string folder)
        => [.. storage.List(folder).Where(p => CheckpointFolder.StepOf(p) is not null && storage.DirectoryExists(p)).OrderBy(CheckpointFolder.StepOf)];
}

/// <summary>The newest complete checkpoint, or null, and the newer ones that are damaged.</summary>
internal sealed record CheckpointSearch(Checkpoint? Latest, IReadOnlyList<DamagedException> Skipped);
