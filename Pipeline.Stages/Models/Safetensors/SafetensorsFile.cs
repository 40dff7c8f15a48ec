using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>One memory-mapped file. Tensors look into the map without a copy and must not outlive it, nor be written to.</summary>
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

    public IReadOnlyList<TensorEntry> Entries { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <exception cref="InputException">Not there, or corrupt.</exception>
    public static SafetensorsFile Open(string path, IStorage storage)
    {
        if (!storage.FileExists(path))
            throw new InputException($"{path}: no such file");
        // An empty file cannot be mapped, so its length is looked at first.
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
            // What lies there in place of the file is no damage, which copying again would mend.
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

    public TensorEntry Entry(string name)
        => _entries.TryGetValue(name, out TensorEntry? entry) ? entry : throw new InputException($"{Path}: no tensor '{name}' in it");

    /// <summary>A CPU tensor over the map; copied only when the file did not align it to its elements.</summary>
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
