using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// Names of files and folders that are not committed: <c>.staging-MACHINE-PROCESS-START-NUMBER-NAME</c>, beside what they will become,
/// because rename(2) does not cross devices. The process is in the name so that what a dead one left can be told from work in hand.
/// </summary>
public static class Staging
{
    public const string Prefix = ".staging-";

    private static long _lastNumber;

    /// <summary>A name that no other process and no other call gets.</summary>
    public static string PathFor(IStorage storage, string path)
    {
        long number = Interlocked.Increment(ref _lastNumber);
        return Path.Combine(
            Path.GetDirectoryName(path) ?? throw new ArgumentException($"{path} has no folder", nameof(path)),
            string.Create(CultureInfo.InvariantCulture, $"{Prefix}{storage.Process}-{number}-{Path.GetFileName(path)}"));
    }

    public static bool IsStaging(string path) => Path.GetFileName(path).StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>
    /// Deletes what dead processes left below a folder, and says what. With <paramref name="exclusive"/> (the caller holds the
    /// folder's lock) everything that is not this process's own goes: also what another machine left.
    /// </summary>
    public static IReadOnlyList<string> Clean(IStorage storage, string folder, bool exclusive)
    {
        var deleted = new List<string>();
        var folders = new Stack<string>([folder]);
        while (folders.TryPop(out string? at))
        {
            foreach (string entry in storage.List(at))
            {
                bool isFolder = storage.DirectoryExists(entry);
                if (IsStaging(entry) && IsLeftover(storage, Path.GetFileName(entry), exclusive))
                {
                    if (isFolder)
                        storage.DeleteDirectory(entry);
                    else
                        storage.DeleteFile(entry);
                    deleted.Add(entry);
                }
                else if (isFolder && !storage.IsLink(entry))
                {
                    folders.Push(entry);
                }
            }
        }
        return deleted;
    }

    private static bool IsLeftover(IStorage storage, string name, bool exclusive)
    {
        string[] parts = name[Prefix.Length..].Split('-', 4);
        if (parts.Length < 4 || ProcessIdentity.Parse(string.Join('-', parts[..3])) is not { } owner)
            return exclusive;
        return owner != storage.Process && (exclusive || !owner.MayRun());
    }

    /// <summary>Writes a file in one step: staging name, fsync, rename, fsync of the folder. Readers see the old file or the new one.</summary>
    /// <exception cref="StorageException">The system refuses; the old file, if any, is untouched.</exception>
    public static void WriteAtomically(this IStorage storage, string path, Action<Stream> write)
    {
        using var file = new StagedFile(storage, path);
        write(file.Stream);
        file.Commit();
    }
}
