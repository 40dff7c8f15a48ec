using System.Buffers.Binary;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Gguf;

/// <summary>
/// A memory-mapped GGUF file of version 2 or 3 (github.com/ggml-org/ggml, docs/gguf.md): its metadata, and where its tensors are. The file may be
/// untrusted, so every length in it is checked against the file's length before it is used.
/// </summary>
internal sealed class GgufFile : IDisposable
{
    internal const int DefaultAlignment = 32;

    /// <summary>"GGUF", little-endian.</summary>
    internal const uint Magic = 0x4655_4747;

    private const ulong MostElements = 1UL << 42;
    private const int MostTensors = 262_144, LongestName = 4096, MostDimensions = 4, LeastTensorBytes = 32;

    private readonly IMappedFile _map;
    private readonly Dictionary<string, GgufTensor> _byName;

    private GgufFile(string path, IMappedFile map, GgufMetadata metadata, IReadOnlyList<GgufTensor> tensors)
    {
        Path = path;
        _map = map;
        Metadata = metadata;
        Tensors = tensors;
        _byName = tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
    }

    /// <summary>The file's path, for messages.</summary>
    public string Path { get; }

    /// <summary>The metadata.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>The tensors, in the file's order.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>Whether there is a file at a path that begins like a GGUF file.</summary>
    public static bool IsOne(string path, IStorage storage)
    {
        if (!storage.FileExists(path))
            return false;
        using Stream stream = storage.OpenRead(path);
        Span<byte> head = stackalloc byte[sizeof(uint)];
        return stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && BinaryPrimitives.ReadUInt32LittleEndian(head) == Magic;
    }

    /// <summary>Opens a file and reads everything but the tensors' values.</summary>
    /// <exception cref="InputException">The file does not exist, or it is corrupt; the message says how.</exception>
    public static GgufFile Open(string path, IStorage storage)
    {
        if (!storage.FileExists(path))
            throw new InputException($"{path}: no such file");
        if (storage.Length(path) < 24)
            throw new InputException($"{path}: corrupt GGUF file: {storage.Length(path)} bytes long; download or write it again");
        IMappedFile map = storage.Map(path);
        try
        {
            ReadOnlySpan<byte> head;
            unsafe
            {
                head = new ReadOnlySpan<byte>((void*)map.Address, (int)Math.Min(map.Length, int.MaxValue));
            }
            (GgufMetadata metadata, IReadOnlyList<GgufTensor> tensors) = Read(head, map.Length, path);
            return new GgufFile(path, map, metadata, tensors);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>The tensor with a name; null where there is none.</summary>
    public GgufTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The tensor with a name.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public GgufTensor Tensor(string name) => Find(name) ?? throw new InputException($"{Path}: no tensor '{name}' in it");

    /// <summary>Reads rows of a tensor of type F32, F16, BF16 or Q8_0 as float32.</summary>
    /// <param name="tensor">A tensor of this file.</param>
    /// <param name="firstRow">The first row to read. A tensor counts as a matrix whose columns are its last dimension.</param>
    /// <param name="values">Gets the values. Its length must be a whole number of rows, and says how many are read.</param>
    /// <exception cref="InputException">The tensor has another type.</exception>
    public void Rows(GgufTensor tensor, long firstRow, Span<float> values)
    {
        if (!Enum.IsDefined((GgufType)tensor.Type))
            throw new InputException($"{Path}: {tensor}: {GgufTypes.Name(tensor.Type)} is not supported; F32, F16, BF16 and Q8_0 are");
        var type = (GgufType)tensor.Type;
        long first = GgufTypes.Bytes(type, firstRow * tensor.Columns);
        int bytes = (int)GgufTypes.Bytes(type, values.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + bytes, tensor.Bytes);
        ReadOnlySpan<byte> data;
        unsafe
        {
            data = new ReadOnlySpan<byte>((void*)(_map.Address + (nint)(tensor.Offset + first)), bytes);
        }
        GgufNumbers.Decode(type, data, values);
    }

    public void Dispose() => _map.Dispose();

    private static (GgufMetadata Metadata, IReadOnlyList<GgufTensor> Tensors) Read(ReadOnlySpan<byte> head, long fileLength, string path)
    {
        GgufReader reader = new(head, path);
        if (reader.UInt32("the magic number") != Magic)
            throw new InputException($"{path}: it does not begin with GGUF; it is another kind of file");
        uint version = reader.UInt32("the version");
        if (version is not (2 or 3))
            throw new InputException($"{path}: GGUF version {version}; versions 2 and 3, little-endian, are supported");
        int tensorCount = reader.Count("the number of tensors", LeastTensorBytes, MostTensors);
        int keys = reader.Count("the number of keys", sizeof(ulong), int.MaxValue);
        GgufMetadata metadata = GgufMetadata.Read(ref reader, keys, path);
        long alignment = metadata.Whole("general.alignment") ?? DefaultAlignment;
        if (alignment is < 8 or > 1 << 20 || (alignment & (alignment - 1)) != 0)
            throw reader.Corrupt($"general.alignment is {alignment}, expected a power of two from 8 on");
        var infos = new List<(string Name, uint Type, long[] Shape, ulong Offset, long Bytes)>(tensorCount);
        for (int i = 0; i < tensorCount; i++)
            infos.Add(Info(ref reader, i));
        return (metadata, Places(ref reader, infos, alignment, fileLength));
    }

    private static (string Name, uint Type, long[] Shape, ulong Offset, long Bytes) Info(ref GgufReader reader, int index)
    {
        string name = reader.Text($"the name of tensor {index}", LongestName);
        uint dimensions = reader.UInt32($"the dimensions of '{name}'");
        if (dimensions is 0 or > MostDimensions)
            throw reader.Corrupt($"tensor '{name}' has {dimensions} dimensions, expected 1 to {MostDimensions}");
        var shape = new long[dimensions];
        ulong count = 1;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            ulong size = reader.UInt64($"the shape of '{name}'");
            // No file in the world holds more, and further products cannot overflow.
            UInt128 elements = (UInt128)count * size;
            if (elements == 0 || elements > MostElements)
                throw reader.Corrupt($"tensor '{name}' has a dimension of {size}");
            count = (ulong)elements;
            shape[d] = (long)size;
        }
        uint type = reader.UInt32($"the type of '{name}'");
        if (!GgufTypes.TryBlock(type, out int block, out int bytes))
            throw reader.Corrupt($"tensor '{name}' is of type {type}; known: {GgufTypes.Known}");
        if (shape[^1] % block != 0)
            throw reader.Corrupt($"tensor '{name}' has rows of {shape[^1]} elements, and {GgufTypes.Name(type)} has blocks of {block}");
        return (name, type, shape, reader.UInt64($"the offset of '{name}'"), (long)(count / (ulong)block) * bytes);
    }

    // Like ggml, expects the tensors one after another, each padded to the alignment, with no holes between them.
    private static List<GgufTensor> Places(
        ref GgufReader reader, List<(string Name, uint Type, long[] Shape, ulong Offset, long Bytes)> infos, long alignment, long fileLength)
    {
        var tensors = new List<GgufTensor>(infos.Count);
        var names = new HashSet<string>(StringComparer.Ordinal);
        long start = Padded(reader.At, alignment), at = 0;
        foreach ((string name, uint type, long[] shape, ulong offset, long bytes) in infos)
        {
            if (!names.Add(name))
                throw reader.Corrupt($"tensor '{name}' is listed twice");
            if (offset != (ulong)at)
                throw reader.Corrupt($"tensor '{name}' is at {offset}, expected {at}");
            if (start + at + bytes > fileLength)
                throw reader.Corrupt($"tensor '{name}' ends at byte {start + at + bytes}, the file has {fileLength}; cut off?");
            tensors.Add(new GgufTensor(name, type, shape, start + at, bytes));
            at += Padded(bytes, alignment);
        }
        return tensors;
    }

    /// <summary>A length rounded up to a multiple of the alignment.</summary>
    internal static long Padded(long length, long alignment) => (length + alignment - 1) / alignment * alignment;
}
