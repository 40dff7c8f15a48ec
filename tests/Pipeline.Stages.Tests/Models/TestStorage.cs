using System.IO.MemoryMappedFiles;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tests.Models;

/// <summary>Plain files, without the promises of the real storage.</summary>
internal sealed class TestStorage : IStorage
{
    public bool FileExists(string path) => File.Exists(path);

    public bool DirectoryExists(string path) => Directory.Exists(path);

    public long Length(string path) => new FileInfo(path).Length;

    public IReadOnlyList<string> List(string directory) => [.. Directory.EnumerateFileSystemEntries(directory).Order(StringComparer.Ordinal)];

    public void CreateDirectory(string path) => Directory.CreateDirectory(path);

    public Stream OpenRead(string path) => File.OpenRead(path);

    public Stream CreateNew(string path) => new FileStream(path, FileMode.CreateNew);

    public Stream OpenAppend(string path) => new FileStream(path, FileMode.Append);

    public void Sync(Stream stream) => ((FileStream)stream).Flush(flushToDisk: true);

    public void Rename(string from, string to) => File.Move(from, to, overwrite: true);

    public void SyncDirectory(string path)
    {
    }

    public void DeleteFile(string path) => File.Delete(path);

    public void DeleteDirectory(string path) => Directory.Delete(path, recursive: true);

    public IMappedFile Map(string path) => new Mapped(path);

    public IDisposable Lock(string path) => throw new NotSupportedException();

    private sealed unsafe class Mapped : IMappedFile
    {
        private readonly MemoryMappedFile _file;
        private readonly MemoryMappedViewAccessor _view;
        private readonly byte* _address;

        public Mapped(string path)
        {
            Length = new FileInfo(path).Length;
            _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _address);
        }

        public long Length { get; }

        public nint Address => (nint)_address;

        public void Dispose()
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
        }
    }
}
