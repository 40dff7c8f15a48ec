using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Formats;

/// <summary><c>checkpoint.json</c>, the last file of a checkpoint: its step, and the hash of every other file of the folder.</summary>
public sealed record CheckpointManifest(string Format, int Version, long Step, IReadOnlyList<FileHash> Files)
{
    public const string FileName = "checkpoint.json";

    private const string FormatName = "alm checkpoint";

    private const int CurrentVersion = 1;

    public static CheckpointManifest Create(long step, IReadOnlyList<FileHash> files) => new(FormatName, CurrentVersion, step, files);

    public void Write(IStorage storage, string folder) => CheckedJson.Write(storage, Path.Combine(folder, FileName), this);

    /// <exception cref="DamagedException">It is not what was written.</exception>
    /// <exception cref="InputException">It is of a version this program does not read.</exception>
    public static CheckpointManifest Read(IStorage storage, string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!storage.FileExists(path))
            throw new DamagedException(path, $"{path} is missing: the checkpoint was never finished");
        var manifest = CheckedJson.Read<CheckpointManifest>(storage, path, FormatName, CurrentVersion, "delete the checkpoint: the one before it is used then");
        return FileHash.ArePlain(manifest.Files) && manifest.Files.All(f => f.Name != FileName)
            ? manifest
            : throw new DamagedException(path, $"{path} lists a file twice, or a file outside its folder");
    }
}
