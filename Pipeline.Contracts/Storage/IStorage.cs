namespace Pipeline.Contracts.Storage;

/// <summary>
/// All files go through this seam, so that tests can make any call fail, lose what was not synced, or fill the disk. Paths are full paths.
/// Every method throws <see cref="Errors.StorageException"/> with the path when the system refuses.
/// </summary>
public interface IStorage
{
    /// <summary>The process that staging names carry.</summary>
    ProcessIdentity Process => ProcessIdentity.Current;

    /// <summary>Whether a process of this machine may still run.</summary>
    bool MayRun(ProcessIdentity process) => process.MayRun();

    bool FileExists(string path);

    bool DirectoryExists(string path);

    /// <summary>Whether it is a symbolic link: code that walks a folder must not follow it outside, or around in a circle.</summary>
    bool IsLink(string path) => false;

    long Length(string path);

    /// <summary>When the file or folder was last written to, UTC; long ago if it does not exist.</summary>
    DateTime LastWritten(string path) => File.GetLastWriteTimeUtc(path);

    /// <summary>Full paths of the files and folders directly below, in ordinal order; empty if the folder does not exist.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Makes the folder and those above it; existing folders stay. The entries survive power loss.</summary>
    void CreateDirectory(string path);

    /// <summary>A seekable stream for reading; others may read at the same time.</summary>
    Stream OpenRead(string path);

    /// <summary>A new file for writing; fails if it exists already.</summary>
    Stream CreateNew(string path);

    /// <summary>Opens for appending, making the file if it does not exist (metrics, rejects, logs).</summary>
    Stream OpenAppend(string path);

    /// <summary>Flushes a stream of this storage to the device (fsync).</summary>
    void Sync(Stream stream);

    /// <summary>rename(2), of files and folders: a file replaces its target in one step. Everything here is committed by it.</summary>
    void Rename(string from, string to);

    /// <summary>Flushes a folder's entries to the device (fsync of the directory), so that a rename survives power loss.</summary>
    void SyncDirectory(string path);

    /// <summary>Deletes the file; nothing happens if it does not exist.</summary>
    void DeleteFile(string path);

    /// <summary>Deletes the folder and all below it, links not followed; nothing happens if it does not exist.</summary>
    void DeleteDirectory(string path);

    /// <summary>A read-only memory map of the whole file; the pages belong to the system, not to the process.</summary>
    IMappedFile Map(string path);

    /// <summary>Takes the exclusive lock file; freed when disposed, and by the system when the process dies.</summary>
    /// <exception cref="Errors.LockedException">Another process holds it; the message names that process.</exception>
    IDisposable Lock(string path);
}

/// <summary>A read-only memory map. The pointer is valid until it is disposed.</summary>
public interface IMappedFile : IDisposable
{
    long Length { get; }

    /// <summary>The address of the first byte; 0 when the file is empty.</summary>
    nint Address { get; }
}
