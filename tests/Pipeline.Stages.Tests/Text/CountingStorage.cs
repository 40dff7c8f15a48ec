using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tests.Text;

/// <summary>The disk, with a count of the bytes that were read from it.</summary>
public sealed class CountingStorage : IStorage
{
    private readonly DiskStorage _disk = new();

    public long BytesRead { get; set; }

    public Stream OpenRead(string path) => new CountingStream(_disk.OpenRead(path), this);

    public bool FileExists(string path) => _disk.FileExists(path);

    public bool DirectoryExists(string path) => _disk.DirectoryExists(path);

    public long Length(string path) => _disk.Length(path);

    public IReadOnlyList<string> List(string directory) => _disk.List(directory);

    public void CreateDirectory(string path) => _disk.CreateDirectory(path);

    public Stream CreateNew(string path) => _disk.CreateNew(path);

    public Stream OpenAppend(string path) => _disk.OpenAppend(path);

    public void Sync(Stream stream) => _disk.Sync(stream);

    public void Rename(string from, string to) => _disk.Rename(from, to);

    public void SyncDirectory(string path) => _disk.SyncDirectory(path);

    public void DeleteFile(string path) => _disk.DeleteFile(path);

    public void DeleteDirectory(string path) => _disk.DeleteDirectory(path);

    public IMappedFile Map(string path) => _disk.Map(path);

    public IDisposable Lock(string path) => _disk.Lock(path);

    private sealed class CountingStream(Stream inner, CountingStorage storage) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => inner.Length;

        public override long Position
        {
            get => inner.Position;
            set => inner.Position = value;
        }

        public override int Read(Span<byte> buffer)
        {
            int read = inner.Read(buffer);
            storage.BytesRead += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
