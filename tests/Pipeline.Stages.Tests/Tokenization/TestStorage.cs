using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tests.Tokenization;

/// <summary>The local file system, with a hook before each rename through which a test can make it fail.</summary>
internal sealed class TestStorage : IStorage
{
    public bool FileExists(string path) => File.Exists(path);

    public bool DirectoryExists(string path) => Directory.Exists(path);

    public long Length(string path) => new FileInfo(path).Length;

    public IReadOnlyList<string> List(string directory)
        => Directory.Exists(directory) ? [.. Directory.GetFileSystemEntries(directory).Order(StringComparer.Ordinal)] : [];

    public void CreateDirectory(string path) => Directory.CreateDirectory(path);

    public Stream OpenRead(string path) => File.OpenRead(path);

    public Stream CreateNew(string path) => new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite);

    public Stream OpenAppend(string path) => new FileStream(path, FileMode.Append);

    public void Sync(Stream stream) => ((FileStream)stream).Flush(flushToDisk: true);

    /// <summary>Called before each rename. It may throw.</summary>
    public Action<string, string> OnRename { get; set; } = static (_, _) => { };

    public void Rename(string from, string to)
    {
        OnRename(from, to);
        Move(from, to);
    }

    private static void Move(string from, string to)
    {
        if (Directory.Exists(from))
            Directory.Move(from, to);
        else
            File.Move(from, to, overwrite: true);
    }

    public void SyncDirectory(string path)
    {
    }

    public void DeleteFile(string path) => File.Delete(path);

    public void DeleteDirectory(string path) => Directory.Delete(path, recursive: true);

    public IMappedFile Map(string path) => throw new NotSupportedException("tokenizers map no files");

    public IDisposable Lock(string path) => throw new NotSupportedException("tokenizers lock no files");
}
