using System.Text;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Checkpoints;

/// <summary>Writes checkpoints into a folder and keeps the last few. A checkpoint exists completely or not at all.</summary>
/// <param name="storage">Where files are written.</param>
/// <param name="folder">The full path of the folder. Each checkpoint is a folder in it.</param>
/// <param name="keep">How many checkpoints are kept, including the new one. At least one is.</param>
internal sealed class CheckpointWriter(IStorage storage, string folder, int keep)
{
    /// <summary>The file in a checkpoint for what its writer needs to continue, such as its position.</summary>
    public const string StateFile = "state.json";

    /// <summary>
    /// Finds the newest complete checkpoint, to continue from it. Newer ones, which the result names, are deleted, and so are old ones that a crash
    /// has kept from being deleted.
    /// </summary>
    /// <exception cref="Contracts.Errors.InputException">The newest checkpoint is of a version that this program does not read.</exception>
    public CheckpointSearch Resume(CancellationToken cancellationToken = default)
    {
        CheckpointSearch search = CheckpointSet.FindLatest(storage, folder, cancellationToken);
        if (search.Latest is { } latest)
            Settle(latest.Step);
        return search;
    }

    /// <summary>
    /// Writes a checkpoint. The files go to a staging folder and are hashed on the way, and the manifest comes last. Then the folder is synced and
    /// renamed, and checkpoints beyond the last few are deleted. A step that is written again replaces itself.
    /// </summary>
    /// <param name="step">The number of steps done. A newer checkpoint has a larger one.</param>
    /// <param name="stateJson">A small state, as JSON.</param>
    /// <param name="files">The names of the files, without folders, and what writes each of them. Streams can only be written forward.</param>
    /// <returns>The full path of the checkpoint.</returns>
    public string Write(long step, string stateJson, params (string Name, Action<Stream> Write)[] files)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        string path = Path.Combine(folder, CheckpointFolder.NameOf(step));
        using (var staged = new StagedFolder(storage, path))
        {
            var hashes = new List<FileHash>();
            foreach ((string name, Action<Stream> write) in files.Append((StateFile, s => s.Write(Encoding.UTF8.GetBytes(stateJson)))))
                hashes.Add(WriteFile(staged.Path, name, write));
            CheckpointManifest.Create(step, hashes).Write(storage, staged.Path);
            staged.Commit();
        }
        Settle(step);
        return path;
    }

    private FileHash WriteFile(string staging, string name, Action<Stream> write)
    {
        if (!FileHash.IsPlainName(name) || name == CheckpointManifest.FileName)
            throw new ArgumentException($"'{name}' is not a valid name for a checkpoint file");
        using Stream file = storage.CreateNew(Path.Combine(staging, name));
        using var hashing = new HashingStream(file);
        write(hashing);
        file.Flush();
        storage.Sync(file);
        return new FileHash(name, hashing.Length, hashing.Hash);
    }

    /// <summary>
    /// Makes a checkpoint the newest one: it was just written, or training continues from it. Newer checkpoints are deleted, since they are damaged
    /// or belong to a course that was given up. So are those beyond the last few, which a crash may have left behind.
    /// </summary>
    public void Settle(long step)
    {
        IReadOnlyList<string> checkpoints = CheckpointSet.List(storage, folder);
        IEnumerable<string> newer = checkpoints.Where(p => CheckpointFolder.StepOf(p) > step);
        IEnumerable<string> old = checkpoints.Where(p => CheckpointFolder.StepOf(p) <= step).SkipLast(Math.Max(keep, 1));
        foreach (string path in newer.Concat(old).ToArray())
            StagedFolder.Delete(storage, path);
    }
}
