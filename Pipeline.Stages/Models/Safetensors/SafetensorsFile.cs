using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>
/// A memory-mapped safetensors file. Its tensors are views of the mapped memory, without a copy. They must not be written to, and not be used after the
/// file is disposed.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private readonly IMappedFile _map;
    private readonly Dictionary<string, TensorEntry> _entries;

    private SafetensorsFile(string path, IMappedFile map, IReadOnlyList<TensorEntry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        Path = path;
        _map = map;
        Entries = entries;
        Metadata = metadata;
        _entries = entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    public string Path { get; }

    /// <summary>The tensors in the order of the header.</summary>
    public IReadOnlyList<TensorEntry> Entries { get; }

    /// <summary>What the header says in <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Maps a file and reads its header.</summary>
    /// <exception cref="InputException">The file does not exist, is corrupt, or has a tensor of a type that is not supported.</exception>
    public static SafetensorsFile Open(string path, IStorage storage)
    {
        if (!storage.FileExists(path))
            throw new InputException($"{path}: no such file");
        // The length is checked first because an empty file cannot be mapped.
        if (storage.Length(path) < 8)
            throw new InputException($"{path}: corrupt safetensors file: {storage.Length(path)} bytes long; download or write it again");
        IMappedFile map = storage.Map(path);
        try
        {
            ReadOnlySpan<byte> head;
            unsafe
            {
                head = new ReadOnlySpan<byte>((void*)map.Address, (int)Math.Min(map.Length, 8 + SafetensorsHeader.LargestJson));
            }

            (IReadOnlyList<TensorEntry> entries, IReadOnlyDictionary<string, string> metadata) = SafetensorsHeader.Read(head, map.Length, path);
            return new SafetensorsFile(path, map, entries, metadata);
        }
        catch (InputException e)
        {
            map.Dispose();
            // A file of another kind, such as a Git LFS pointer, is not a damaged one. To write it again would not help.
            if (FileHead.Tell(storage, path) is { } other && !other.Contains("safetensors", StringComparison.Ordinal))
                throw new InputException($"{path}: {other}", e);
            throw;
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>The header's entry for a tensor.</summary>
    /// <exception cref="InputException">The file has no tensor of this name.</exception>
    public TensorEntry Entry(string name)
        => _entries.TryGetValue(name, out TensorEntry? entry) ? entry : throw new InputException($"{Path}: no tensor '{name}' in it");

    /// <summary>A tensor on the CPU, which the caller disposes. It is a view of the file, or a copy if its values are not aligned in the file.</summary>
    /// <exception cref="InputException">The file has no tensor of this name, or one that is not aligned and too large to copy.</exception>
    public Tensor View(string name)
    {
        TensorEntry entry = Entry(name);
        long[] shape = [.. entry.Shape];
        if (entry.Bytes == 0)
            return empty(shape, dtype: entry.Type);
        nint address = _map.Address + (nint)entry.Offset;
        if (address % TensorType.Bytes(entry.Type) == 0)
            return MappedTensor.Create(address, shape, entry.Type);
        Tensor copy = empty(shape, dtype: entry.Type);
        unsafe
        {
            Span<byte> target = copy.bytes;
            if (target.Length != entry.Bytes)
                throw new InputException($"{Path}: tensor '{name}' is not aligned to its elements and too large to copy; write the file again");
            new ReadOnlySpan<byte>((void*)address, target.Length).CopyTo(target);
        }

        return copy;
    }

    public void Dispose() => _map.Dispose();
}
