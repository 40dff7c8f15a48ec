using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.FaultTests.Storage;

/// <summary>
/// A file system in memory that counts calls and lets one of them fail, has a size, and keeps apart what a power loss takes: content
/// that was not synced, and entries of folders that were not synced.
/// </summary>
internal sealed class FaultyStorage : IStorage
{
    private readonly Node _root = new(isFolder: true) { DurableEntries = [] };
    private readonly HashSet<string> _locks = [];
    private int _generation = 1;
    private bool _killed;

    /// <summary>Which call fails, counted from 0; negative for none.</summary>
    public int FailAt { get; set; } = -1;

    public FaultKind Kind { get; set; }

    /// <summary>Calls so far: of every method, and of each write and flush of a stream.</summary>
    public int Calls { get; private set; }

    /// <summary>Bytes all files together may have.</summary>
    public long Capacity { get; set; } = long.MaxValue;

    public ProcessIdentity Process => new("faulty", _generation, 1);

    public bool MayRun(ProcessIdentity process) => process == Process;

    /// <summary>A new process on the same disk. Locks of the old one are free.</summary>
    public void Restart()
    {
        _killed = false;
        FailAt = -1;
        Calls = 0;
        _generation++;
        _locks.Clear();
    }

    /// <summary>
    /// The machine goes off and on: what was not synced is there, not there, or there in part, as <paramref name="random"/> draws.
    /// </summary>
    public void LosePower(Random random)
    {
        _root.LosePower(random);
        Restart();
    }

    /// <summary>Files made so far, under their staging names.</summary>
    public List<string> Created { get; } = [];

    /// <summary>Puts a file there, or other bytes into one.</summary>
    public void Put(string path, byte[] content)
    {
        CreateDirectory(Path.GetDirectoryName(path)!);
        Parent(path).Entries[Path.GetFileName(path)] = new Node(isFolder: false) { Content = content, DurableContent = content };
    }

    public byte[] Get(string path) => Existing(path).Content;

    /// <summary>Path and content of every file.</summary>
    public SortedDictionary<string, string> Snapshot()
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        _root.Collect("", files);
        return files;
    }

    public bool FileExists(string path) => Call("look at", path, () => Find(path) is { IsFolder: false });

    public bool DirectoryExists(string path) => Call("look at", path, () => Find(path) is { IsFolder: true });

    public long Length(string path) => Call("look at", path, () => Existing(path).Content.Length);

    public IReadOnlyList<string> List(string directory) => Call<IReadOnlyList<string>>("list", directory, () =>
        Find(directory) is { IsFolder: true } folder
            ? [.. folder.Entries.Keys.Order(StringComparer.Ordinal).Select(name => Path.Combine(directory, name))]
            : []);

    // DiskStorage syncs each new entry into its parent, so the folders here are durable at once.
    public void CreateDirectory(string path) => Call("create the folder", path, () =>
    {
        Node at = _root;
        foreach (string name in Names(path))
        {
            if (!at.Entries.TryGetValue(name, out Node? next))
            {
                next = new Node(isFolder: true) { DurableEntries = [] };
                at.Entries[name] = next;
                at.DurableEntries![name] = next;
            }
            at = next;
        }
        return true;
    });

    public Stream OpenRead(string path) => Call<Stream>("open", path, () => new MemoryStream(Existing(path).Content, writable: false));

    public Stream CreateNew(string path) => Call<Stream>("create", path, () =>
    {
        Node parent = Parent(path);
        var file = new Node(isFolder: false);
        if (!parent.Entries.TryAdd(Path.GetFileName(path), file))
            throw new IOException("it is there already");
        Created.Add(path);
        return new FaultyStream(this, file, path);
    });

    public Stream OpenAppend(string path) => Call<Stream>("open", path, () =>
    {
        Node parent = Parent(path);
        if (!parent.Entries.TryGetValue(Path.GetFileName(path), out Node? file))
            parent.Entries[Path.GetFileName(path)] = file = new Node(isFolder: false);
        return new FaultyStream(this, file, path) { Position = file.Content.Length };
    });

    public void Sync(Stream stream)
    {
        var faulty = (FaultyStream)stream;
        Call("sync", faulty.Path, () => faulty.File.DurableContent = faulty.File.Content);
    }

    public void Rename(string from, string to) => Call("rename to", to, () =>
    {
        Node node = Existing(from);
        Node target = Parent(to);
        if (target.Entries.GetValueOrDefault(Path.GetFileName(to)) is { } replaced && (replaced.IsFolder != node.IsFolder || replaced.Entries.Count > 0))
            throw new IOException("the folder is not empty");
        Parent(from).Entries.Remove(Path.GetFileName(from));
        target.Entries[Path.GetFileName(to)] = node;
        return true;
    });

    public void SyncDirectory(string path) => Call("sync the folder", path, () =>
    {
        Node folder = Existing(path);
        folder.DurableEntries = new Dictionary<string, Node>(folder.Entries);
        return true;
    });

    public void DeleteFile(string path) => Call("delete", path, () => Find(path) is null || Parent(path).Entries.Remove(Path.GetFileName(path)));

    public void DeleteDirectory(string path) => Call("delete the folder", path, () =>
    {
        if (Find(path) is not { } folder)
            return false;
        // Entry by entry, as a file system does, so that a kill can come in between.
        foreach (string name in folder.Entries.Keys.Order(StringComparer.Ordinal).ToArray())
        {
            Count("delete", Path.Combine(path, name));
            folder.Entries.Remove(name);
        }
        return Parent(path).Entries.Remove(Path.GetFileName(path));
    });

    public IMappedFile Map(string path) => throw new NotSupportedException("nothing under test here maps files");

    public IDisposable Lock(string path) => Call("lock", path, () => _locks.Add(path)
        ? new Held(() => _locks.Remove(path))
        : throw new LockedException($"{path} is locked"));

    private T Call<T>(string operation, string path, Func<T> action)
    {
        Count(operation, path);
        try
        {
            return action();
        }
        catch (IOException e)
        {
            throw StorageErrors.Translate(operation, path, e);
        }
    }

    private void Count(string operation, string path, Action? half = null)
    {
        if (_killed)
            throw new KilledException();
        if (Calls++ != FailAt)
            return;
        half?.Invoke();
        _killed = Kind == FaultKind.Kill;
        throw Kind switch
        {
            FaultKind.Kill => new KilledException(),
            FaultKind.InputOutputError => StorageErrors.Translate(operation, path, new IOException("Input/output error", 5)),
            _ => StorageErrors.Translate(operation, path, NoSpace()),
        };
    }

    private static IOException NoSpace() => new("No space left on device", StorageErrors.DiskFull);

    private static string[] Names(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    private Node? Find(string path)
    {
        Node? at = _root;
        foreach (string name in Names(path))
            at = at?.Entries.GetValueOrDefault(name);
        return at;
    }

    private Node Existing(string path) => Find(path) ?? throw new FileNotFoundException("it is not there");

    private Node Parent(string path)
        => Find(Path.GetDirectoryName(path)!) is { IsFolder: true } folder ? folder : throw new DirectoryNotFoundException("its folder is not there");

    private sealed class Held(Action free) : IDisposable
    {
        public void Dispose() => free();
    }

    private sealed class Node(bool isFolder)
    {
        public bool IsFolder { get; } = isFolder;

        public byte[] Content { get; set; } = [];

        public byte[] DurableContent { get; set; } = [];

        public Dictionary<string, Node> Entries { get; private set; } = [];

        public Dictionary<string, Node>? DurableEntries { get; set; }

        public long Bytes => Content.Length + Entries.Values.Sum(e => e.Bytes);

        public void LosePower(Random random)
        {
            // Unsynced content: whole, a prefix, or a prefix with zeros behind it, as journals leave it.
            if (!Content.AsSpan().SequenceEqual(DurableContent))
            {
                int kept = random.Next(Content.Length + 1);
                Content = random.Next(4) switch
                {
                    0 => DurableContent,
                    1 => Content[..kept],
                    2 => [.. Content[..kept], .. new byte[Content.Length - kept]],
                    _ => Content,
                };
            }
            DurableContent = Content;
            if (!IsFolder)
                return;
            foreach (string name in Entries.Keys.Union(DurableEntries!.Keys).ToArray())
            {
                Node? now = Entries.GetValueOrDefault(name);
                Node? durable = DurableEntries.GetValueOrDefault(name);
                Node? after = ReferenceEquals(now, durable) || random.Next(2) == 0 ? now : durable;
                if (after is null)
                    Entries.Remove(name);
                else
                    Entries[name] = after;
            }
            DurableEntries = new Dictionary<string, Node>(Entries);
            foreach (Node entry in Entries.Values)
                entry.LosePower(random);
        }

        public void Collect(string path, SortedDictionary<string, string> files)
        {
            if (!IsFolder)
                files[path] = Convert.ToHexString(Content);
            foreach ((string name, Node entry) in Entries)
                entry.Collect($"{path}/{name}", files);
        }
    }

    private sealed class FaultyStream(FaultyStorage storage, Node file, string path) : Stream
    {
        public Node File { get; } = file;

        public string Path { get; } = path;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => true;

        public override long Length => File.Content.Length;

        public override long Position { get; set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            byte[] bytes = buffer.ToArray();
            storage.Count("write", Path, storage.Kind == FaultKind.ShortWrite ? () => Put(bytes.AsSpan(0, bytes.Length / 2)) : null);
            long room = storage.Capacity - storage._root.Bytes;
            if (bytes.Length > room)
            {
                Put(bytes.AsSpan(0, (int)room));
                throw StorageErrors.Translate("write", Path, NoSpace(), Position);
            }
            Put(bytes);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => storage.Count("write", Path);

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = (int)Math.Min(count, Length - Position);
            File.Content.AsSpan((int)Position, read).CopyTo(buffer.AsSpan(offset));
            Position += read;
            return read;
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        private void Put(ReadOnlySpan<byte> bytes)
        {
            byte[] content = new byte[Math.Max(Length, Position + bytes.Length)];
            File.Content.CopyTo(content, 0);
            bytes.CopyTo(content.AsSpan((int)Position));
            File.Content = content;
            Position += bytes.Length;
        }
    }
}
