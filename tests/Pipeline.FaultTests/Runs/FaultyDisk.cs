using Pipeline.Contracts.Storage;

namespace Pipeline.FaultTests.Runs;

/// <summary>A call of the storage that is about to be made, or was.</summary>
internal readonly record struct DiskCall(string Operation, string Path, int Number);

/// <summary>
/// The real disk with somebody who sees every call before and after it, and may throw. Unlike the file system in memory it can hold a
/// whole run: weights are mapped, logs are appended to.
/// </summary>
internal sealed class FaultyDisk : IStorage
{
    private static int _lastGeneration;
    private readonly DiskStorage _disk = new();
    private int _calls;

    public Action<DiskCall> Before { get; init; } = _ => { };

    public Action<DiskCall> After { get; init; } = _ => { };

    public int Calls => _calls;

    /// <summary>Each is a process of its own as far as staging names go; what an earlier one left is a dead one's.</summary>
    public ProcessIdentity Process { get; } = ProcessIdentity.Current with { Start = ProcessIdentity.Current.Start + Interlocked.Increment(ref _lastGeneration) };

    public bool FileExists(string path) => _disk.FileExists(path);

    public bool DirectoryExists(string path) => _disk.DirectoryExists(path);

    public bool IsLink(string path) => _disk.IsLink(path);

    public long Length(string path) => Call("length", path, () => _disk.Length(path));

    public IReadOnlyList<string> List(string directory) => Call("list", directory, () => _disk.List(directory));

    public void CreateDirectory(string path) => Call("create folder", path, () => _disk.CreateDirectory(path));

    public Stream OpenRead(string path) => Call("open", path, () => new Watched(this, _disk.OpenRead(path), path));

    public Stream CreateNew(string path) => Call("create", path, () => new Watched(this, _disk.CreateNew(path), path));

    public Stream OpenAppend(string path) => Call("append", path, () => new Watched(this, _disk.OpenAppend(path), path));

    public void Sync(Stream stream)
    {
        var watched = (Watched)stream;
        Call("sync", watched.Path, () => _disk.Sync(watched.Inner));
    }

    public void Rename(string from, string to) => Call("rename", $"{from} -> {to}", () => _disk.Rename(from, to));

    public void SyncDirectory(string path) => Call("sync folder", path, () => _disk.SyncDirectory(path));

    public void DeleteFile(string path) => Call("delete", path, () => _disk.DeleteFile(path));

    public void DeleteDirectory(string path) => Call("delete folder", path, () => _disk.DeleteDirectory(path));

    public IMappedFile Map(string path) => Call("map", path, () => _disk.Map(path));

    public IDisposable Lock(string path) => Call("lock", path, () => _disk.Lock(path));

    private void Call(string operation, string path, Action action) => Call(operation, path, () =>
    {
        action();
        return true;
    });

    private T Call<T>(string operation, string path, Func<T> action)
    {
        var call = new DiskCall(operation, path, Interlocked.Increment(ref _calls) - 1);
        Before(call);
        T result = action();
        After(call);
        return result;
    }

    private sealed class Watched(FaultyDisk disk, Stream inner, string path) : Stream
    {
        public Stream Inner => inner;

        public string Path => path;

        public override bool CanRead => inner.CanRead;

        public override bool CanSeek => inner.CanSeek;

        public override bool CanWrite => inner.CanWrite;

        public override long Length => inner.Length;

        public override long Position
        {
            get => inner.Position;
            set => inner.Position = value;
        }

        public override int Read(byte[] buffer, int offset, int count) => disk.Call("read", path, () => inner.Read(buffer, offset, count));

        public override void Write(byte[] buffer, int offset, int count) => disk.Call("write", path, () => inner.Write(buffer, offset, count));

        public override void Flush() => disk.Call("flush", path, inner.Flush);

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void SetLength(long value) => inner.SetLength(value);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
