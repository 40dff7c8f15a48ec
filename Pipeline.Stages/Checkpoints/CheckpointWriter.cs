using System.Text;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Checkpoints;

/// <summary>Writes checkpoints into a folder and keeps the last few. A checkpoint is there as a whole or not at all.</summary>
/// <param name="storage">Where.</param>
/// <param name="folder">Full path; each checkpoint is a folder in it.</param>
/// <param name="keep">Checkpoints that stay, the new one included; at least 1.</param>
public sealed class CheckpointWriter(IStorage storage, string folder, int keep)
{
    /// <summary>Keeps what the writer of a checkpoint says of itself (position, random state).</summary>
    public const string StateFile = "state.json";

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
        DeleteOld();
        return path;
    }

    private FileHash WriteFile(string staging, string name, Action<Stream> write)
    {
        if (!FileHash.IsPlainName(name) || name == CheckpointManifest.FileName)
            throw new ArgumentException($"'{name}' is no name for a file of a checkpoint");
        using Stream file = storage.CreateNew(Path.Combine(staging, name));
        using var hashing = new HashingStream(file);
        write(hashing);
        file.Flush();
        storage.Sync(file);
        return new FileHash(name, hashing.Length, hashing.Hash);
    }

    private void DeleteOld()
    {
        string[] checkpoints = [.. storage.List(folder).Where(p => CheckpointFolder.StepOf(p) is not null)];
        foreach (string old in checkpoints.OrderByDescending(CheckpointFolder.StepOf).Skip(Math.Max(keep, 1)))
            StagedFolder.Delete(storage, old);
    }
}
