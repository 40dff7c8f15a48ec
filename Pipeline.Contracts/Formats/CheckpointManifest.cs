using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Formats;

/// <summary>The file <c>checkpoint.json</c>, which is written last into a checkpoint.</summary>
/// <param name="Format">The name of the format, which is always the same.</param>
/// <param name="Version">The version of the format.</param>
/// <param name="Step">The number of training steps that are done.</param>
/// <param name="Files">Every other file of the folder.</param>
public sealed record CheckpointManifest(string Format, int Version, long Step, IReadOnlyList<FileHash> Files)
{
    public const string FileName = "checkpoint.json";

    private const string FormatName = "alm checkpoint";

    private const int CurrentVersion = 1;

    public static CheckpointManifest Create(long step, IReadOnlyList<FileHash> files) => new(FormatName, CurrentVersion, step, files);

    public void Write(IStorage storage, string folder) => CheckedJson.Write(storage, Path.Combine(folder, FileName), this);

    /// <summary>Reads and checks the manifest of a checkpoint. The files that it lists are not read.</summary>
    /// <exception cref="DamagedException">It is missing, or not what was written.</exception>
    /// <exception cref="InputException">It has a version that this program does not read.</exception>
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
