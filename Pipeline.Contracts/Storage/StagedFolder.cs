using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// A folder that is being filled under a staging name. <see cref="Commit"/> gives it its own name. If it is disposed of without that, nothing is left.
/// </summary>
public sealed class StagedFolder : IDisposable
{
    private readonly IStorage _storage;
    private readonly string _path;
    private bool _finished;

    public StagedFolder(IStorage storage, string path)
    {
        _storage = storage;
        _path = path;
        Path = Staging.PathFor(storage, path);
        storage.CreateDirectory(Path);
    }

    /// <summary>The full path where the files go until they are committed. Whoever writes a file there must sync it.</summary>
    public string Path { get; }

    /// <summary>
    /// Syncs the folder, renames it and syncs its parent. A folder that already has the name is moved out of the way first, because rename(2) does not
    /// replace a folder that has files. It is deleted when the new one is in place.
    /// </summary>
    public void Commit()
    {
        string parent = System.IO.Path.GetDirectoryName(_path)!;
        _storage.SyncDirectory(Path);
        string? replaced = null;
        if (_storage.DirectoryExists(_path))
        {
            replaced = Staging.PathFor(_storage, _path);
            _storage.Rename(_path, replaced);
        }
        _storage.Rename(Path, _path);
        _finished = true;
        _storage.SyncDirectory(parent);
        if (replaced is not null)
            _storage.DeleteDirectory(replaced);
    }

    /// <summary>Deletes a folder so that nobody ever sees half of it: it gets a staging name first.</summary>
    public static void Delete(IStorage storage, string path)
    {
        string leaving = Staging.PathFor(storage, path);
        storage.Rename(path, leaving);
        storage.SyncDirectory(System.IO.Path.GetDirectoryName(path)!);
        storage.DeleteDirectory(leaving);
    }

    public void Dispose()
    {
        if (_finished)
            return;
        _finished = true;
        try
        {
            _storage.DeleteDirectory(Path);
        }
        catch (StorageException)
        {
            // The error that led here is the one to report. The next run cleans up what is left.
        }
    }
}
