namespace Pipeline.Contracts.Storage;

/// <summary>
/// All files go through this interface, so that tests can make any call fail, lose what was not synced, or fill the disk. Paths are full paths. Every
/// method throws <see cref="Errors.StorageException"/>, which names the path, if the system refuses.
/// </summary>
public interface IStorage
{
    /// <summary>The process that staging names are given. It is this one, except in tests.</summary>
    ProcessIdentity Process => ProcessIdentity.Current;

    /// <summary>Whether a process may still run; see <see cref="ProcessIdentity.MayRun"/>.</summary>
    bool MayRun(ProcessIdentity process) => process.MayRun();

    /// <summary>Whether there is a file at the path, or a link to one.</summary>
    bool FileExists(string path);

    bool DirectoryExists(string path);

    /// <summary>
    /// Whether a path is a symbolic link. Code that walks through a folder must not follow one, because it may lead outside or around in a circle.
    /// </summary>
    bool IsLink(string path) => false;

    /// <summary>The length of a file in bytes; for a link, of the file that it leads to.</summary>
    long Length(string path);

    /// <summary>When a file or folder was last written to, in UTC; long ago if it does not exist.</summary>
    DateTime LastWritten(string path) => File.GetLastWriteTimeUtc(path);

    /// <summary>The full paths of the files and folders directly in a folder, in ordinal order; empty if the folder does not exist.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Makes a folder and those above it, where they do not exist. They survive power loss.</summary>
    void CreateDirectory(string path);

    /// <summary>Opens a file for reading. The stream is seekable, and others may read or write the file at the same time.</summary>
    Stream OpenRead(string path);

    /// <summary>Makes a new file for writing and reading. Fails if it exists already.</summary>
    Stream CreateNew(string path);

    /// <summary>Opens a file to write at its end, for metrics, rejects and logs. Makes the file if it does not exist.</summary>
    Stream OpenAppend(string path);

    /// <summary>Brings what was written to a stream of this storage to the device (fsync).</summary>
    void Sync(Stream stream);

    /// <summary>
    /// Renames a file or folder (rename(2)). A file replaces its target in one step. Everything that this program commits is committed by this call.
    /// </summary>
    void Rename(string from, string to);

    /// <summary>Brings the entries of a folder to the device (fsync of the folder), so that a rename in it survives power loss.</summary>
    void SyncDirectory(string path);

    /// <summary>Deletes a file. Does nothing if it does not exist.</summary>
    void DeleteFile(string path);

    /// <summary>Deletes a folder and everything in it, without following links. Does nothing if it does not exist.</summary>
    void DeleteDirectory(string path);

    /// <summary>Maps a whole file into memory for reading. Its pages belong to the system and not to the process.</summary>
    IMappedFile Map(string path);

    /// <summary>
    /// Takes the exclusive lock that a file stands for. Disposing of the result frees it, and so does the system when the process dies.
    /// </summary>
    /// <exception cref="Errors.LockedException">Another process has the lock. The message names that process.</exception>
    IDisposable Lock(string path);
}

/// <summary>A file mapped into memory for reading. Its address is valid until it is disposed of.</summary>
public interface IMappedFile : IDisposable
{
    long Length { get; }

    /// <summary>The address of the first byte; 0 if the file is empty.</summary>
    nint Address { get; }
}
