using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tests.Shards;

/// <summary>Counts how often a file is opened to be read.</summary>
internal sealed class CountingStorage(IStorage inner) : IStorage
{
    public int Opened { get; set; }

    public bool FileExists(string path) => inner.FileExists(path);

    public bool DirectoryExists(string path) => inner.DirectoryExists(path);

    public long Length(string path) => inner.Length(path);

    public IReadOnlyList<string> List(string directory) => inner.List(directory);

    public void CreateDirectory(string path) => inner.CreateDirectory(path);

    public Stream OpenRead(string path)
    {
        Opened++;
        return inner.OpenRead(path);
    }

    public Stream CreateNew(string path) => inner.CreateNew(path);

    public Stream OpenAppend(string path) => inner.OpenAppend(path);

    public void Sync(Stream stream) => inner.Sync(stream);

    public void Rename(string from, string to) => inner.Rename(from, to);

    public void SyncDirectory(string path) => inner.SyncDirectory(path);

    public void DeleteFile(string path) => inner.DeleteFile(path);

    public void DeleteDirectory(string path) => inner.DeleteDirectory(path);

    public IMappedFile Map(string path) => inner.Map(path);

    public IDisposable Lock(string path) => inner.Lock(path);
}
