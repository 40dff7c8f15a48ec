using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>The file system of this machine.</summary>
public sealed class DiskStorage : IStorage
{
    private const int BufferBytes = 1 << 16;

    // To the system, a link exists even if its file is gone, but it cannot be opened.
    public bool FileExists(string path) => File.Exists(path) && !IsDangling(path);

    public bool DirectoryExists(string path) => Directory.Exists(path);

    public bool IsLink(string path) => Guard("look at", path, () => File.GetAttributes(path).HasFlag(FileAttributes.ReparsePoint));

    // The system tells the length of a link itself, but the files of a downloaded model are all links.
    public long Length(string path) => Guard("open", path, () => new FileInfo(path) is { LinkTarget: not null } link && link.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target ? target.Length : new FileInfo(path).Length);

    public IReadOnlyList<string> List(string directory) => Guard("list", directory, () =>
    {
        if (!Directory.Exists(directory))
            return [];
        string[] entries = Directory.GetFileSystemEntries(directory);
        Array.Sort(entries, StringComparer.Ordinal);
        return entries;
    });

    public void CreateDirectory(string path) => Guard("create the folder", path, () =>
    {
        // Every parent of a new folder is synced. Otherwise a power loss could take the folder, with everything that was synced into it.
        var created = new Stack<string>();
        for (string? at = path; at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at))
            created.Push(at);
        Directory.CreateDirectory(path);
        foreach (string folder in created)
        {
            if (Path.GetDirectoryName(folder) is { Length: > 0 } parent)
                SystemCalls.SyncDirectory(parent);
        }
    });

    public Stream OpenRead(string path)
        => Open("open", path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    public Stream CreateNew(string path)
        => Open("create", path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);

    public Stream OpenAppend(string path)
        => Open("open", path, FileMode.Append, FileAccess.Write, FileShare.Read | FileShare.Delete);

    public void Sync(Stream stream)
    {
        if (stream is not DiskStream disk)
            throw new ArgumentException("the stream is not one of this storage", nameof(stream));
        disk.FlushToDevice();
    }

    public void Rename(string from, string to) => Guard("rename to", to, () => SystemCalls.Rename(from, to));

    public void SyncDirectory(string path) => Guard("sync the folder", path, () => SystemCalls.SyncDirectory(path));

    public void DeleteFile(string path) => Guard("delete", path, () => File.Delete(path));

    public void DeleteDirectory(string path) => Guard("delete the folder", path, () =>
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    });

    public IMappedFile Map(string path) => Guard<IMappedFile>("map", path, () => new MappedFile(
        new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1)));

    public IDisposable Lock(string path) => DiskLock.Take(path);

    private static DiskStream Open(string operation, string path, FileMode mode, FileAccess access, FileShare share)
        => Guard(operation, path, () => new DiskStream(new FileStream(path, mode, access, share, BufferBytes), path));

    private static void Guard(string operation, string path, Action action) => Guard(operation, path, () =>
    {
        action();
        return true;
    });

    /// <exception cref="StorageException">The system refuses.</exception>
    private static T Guard<T>(string operation, string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (StorageErrors.IsSystemError(e))
        {
            throw StorageErrors.Translate(operation, path, e);
        }
    }

    private static bool IsDangling(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget is not null && File.ResolveLinkTarget(path, returnFinalTarget: true) is not { Exists: true };
        }
        catch (IOException)
        {
            // The links go around in a circle.
            return true;
        }
    }
}
