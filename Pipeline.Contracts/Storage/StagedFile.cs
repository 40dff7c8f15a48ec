using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// A file that is being written under a staging name. <see cref="Commit"/> gives it its own name. If it is disposed of without that, nothing is left.
/// </summary>
public sealed class StagedFile : IDisposable
{
    private readonly IStorage _storage;
    private readonly string _path;
    private readonly string _stagingPath;
    private bool _finished;

    /// <summary>Makes the file under a staging name, and its folder if that does not exist.</summary>
    /// <param name="storage">Where the file will be.</param>
    /// <param name="path">The full path that it will have.</param>
    public StagedFile(IStorage storage, string path)
    {
        _storage = storage;
        _path = path;
        _stagingPath = Staging.PathFor(storage, path);
        storage.CreateDirectory(Path.GetDirectoryName(path)!);
        Stream = storage.CreateNew(_stagingPath);
        WorkInHand.Add(storage, _stagingPath);
    }

    /// <summary>What the content is written to. The stream can seek and read.</summary>
    public Stream Stream { get; }

    /// <summary>Syncs the file, renames it and syncs its folder. The file does not exist before, and survives power loss afterwards.</summary>
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
        // The file is deleted while it is open. On a full disk closing it fails, and its space must be freed anyway.
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
            // The error that led here is the one to report. The next run cleans up what is left.
        }
    }
}
