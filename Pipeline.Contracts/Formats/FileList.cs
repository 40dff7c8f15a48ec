using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// The file <c>checksums.json</c>: the hashes of the files next to it. It is written last into a folder that other programs read too, such as an
/// exported model, so that <c>alm verify</c> can tell whether the folder is complete.
/// </summary>
/// <param name="Format">The name of the format, which is always the same.</param>
/// <param name="Version">The version of the format.</param>
/// <param name="Files">The files.</param>
public sealed record FileList(string Format, int Version, IReadOnlyList<FileHash> Files)
{
    public const string FileName = "checksums.json";

    private const string FormatName = "alm files";

    private const int CurrentVersion = 1;

    /// <summary>
    /// Hashes the files directly in the folder and writes the list, in one step. Folders in it, and files that are still being written, are left out.
    /// </summary>
    public static FileList WriteFor(IStorage storage, string folder)
    {
        var list = new FileList(FormatName, CurrentVersion,
            [.. storage.List(folder)
                .Where(p => !storage.DirectoryExists(p) && !Staging.IsStaging(p) && Path.GetFileName(p) != FileName)
                .Select(p => FileHash.Of(storage, p))]);
        CheckedJson.Write(storage, Path.Combine(folder, FileName), list);
        return list;
    }

    /// <summary>Reads and checks the list of a folder. The files that it names are not read.</summary>
    /// <exception cref="DamagedException">It is not what was written.</exception>
    /// <exception cref="InputException">It has a version that this program does not read.</exception>
    public static FileList Read(IStorage storage, string folder)
    {
        string path = Path.Combine(folder, FileName);
        var list = CheckedJson.Read<FileList>(storage, path, FormatName, CurrentVersion, "run the command that wrote the folder again");
        return FileHash.ArePlain(list.Files)
            ? list
            : throw new DamagedException(path, $"{path} lists a file twice, or a file outside its folder");
    }
}
