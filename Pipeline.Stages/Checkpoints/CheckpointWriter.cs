using System.Text;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Checkpoints;

/// <summary>Writes checkpoints into a folder and keeps the last few. A checkpoint exists completely or not at all.</summary>
/// <param name="storage">Where.</param>
/// <param name="folder">Full path; each checkpoint is a folder in it.</param>
/// <param name="keep">Checkpoints that stay, the new one included; at least 1.</param>
internal sealed class CheckpointWriter(IStorage storage, string folder, int keep)
{
    /// <summary>Keeps what the writer of a checkpoint says about itself (position, random state).</summary>
    public const string StateFile = "state.json";

    /// <summary>
    /// The newest complete checkpoint, to continue from. Deletes what is newer, named in the result, and what a crash kept from
    /// being deleted.
    /// </summary>
    /// <exception cref="Contracts.Errors.InputException">The newest is of a version this program does not read.</exception>
    public CheckpointSearch Resume(CancellationToken cancellationToken = default)
    {
        CheckpointSearch search = CheckpointSet.FindLatest(storage, folder, cancellationToken);
        if (search.Latest is { } latest)
            Settle(latest.Step);
        return search;
    }

    /// <summary>
    /// Writes the files under a staging name, hashing them on the way, the manifest last; syncs, renames, and deletes checkpoints
    /// beyond the last few. Written again, a step replaces itself.
    /// </summary>
    /// <param name="step">Of the training run; newer is larger.</param>
    /// <param name="stateJson">Small state, as JSON.</param>
    /// <param name="files">Plain names, and what writes each, forward only.</param>
    /// <returns>The checkpoint's folder.</returns>
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
    /// Says that a checkpoint was just written or is the one to continue from: deletes what is newer, which is damaged or of a future that
    /// was given up, and what is beyond the last few, which a crash may have kept from being deleted.
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
