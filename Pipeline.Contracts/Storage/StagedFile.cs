using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>A file under its staging name until <see cref="Commit"/>; if it is disposed without that, nothing is left.</summary>
public sealed class StagedFile : IDisposable
{
    private readonly IStorage _storage;
    private readonly string _path;
    private readonly string _stagingPath;
    private bool _finished;

    public StagedFile(IStorage storage, string path)
    {
        _storage = storage;
        _path = path;
        _stagingPath = Staging.PathFor(storage, path);
        storage.CreateDirectory(Path.GetDirectoryName(path)!);
        Stream = storage.CreateNew(_stagingPath);
        WorkInHand.Add(storage, _stagingPath);
    }

    /// <summary>Where the content goes; seekable, and readable too.</summary>
    public Stream Stream { get; }

    /// <summary>fsync, rename, fsync of the folder. Afterwards the file survives power loss; before, it does not exist.</summary>
    public void Commit()
    {
        Stream.Flush();
        _storage.Sync(Stream);
        Stream.Dispose();
        _storage.Rename(_stagingPath, _path);
        _finished = true;
        WorkInHand.Remove(_stagingPath);
        _storage.SyncDirectory(Path.GetDirectoryName(_path)!);
    }

    public void Dispose()
    {
        if (_finished)
            return;
        _finished = true;
        // Deleted while it is open: on a full disk closing fails, and the space must be freed anyway.
        Try(() => _storage.DeleteFile(_stagingPath));
        Try(Stream.Dispose);
        WorkInHand.Remove(_stagingPath);
    }

    private static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (StorageException)
        {
            // The error that brought us here is the one to report; leftovers are cleaned up at the start of the next run.
        }
    }
}
