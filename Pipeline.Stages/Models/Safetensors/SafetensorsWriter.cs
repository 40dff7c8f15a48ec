using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>Writes safetensors files, one tensor after the other, so that only a slice of a tensor has to be converted at a time.</summary>
internal static class SafetensorsWriter
{
    private const long SliceElements = 1 << 22;

    /// <summary>Writes a file in one step: a reader sees either the old file or the whole new one. The tensors are in ordinal order of their names.</summary>
    /// <exception cref="InputException">A value is not finite in the type to be written; see <see cref="TensorSource.MustBeFinite"/>.</exception>
    public static void Write(string path, IStorage storage, IEnumerable<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata = null)
        => storage.WriteAtomically(path, stream => Write(stream, tensors, metadata));

    /// <summary>Writes the same to a stream, without seeking. If this fails, the stream holds a part of the file.</summary>
    /// <exception cref="InputException">See the other overload.</exception>
    public static void Write(Stream stream, IEnumerable<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        TensorSource[] sorted = [.. tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal)];
        byte[] header = Header(sorted, metadata);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (TensorSource tensor in sorted)
            WriteData(stream, tensor);
    }

    /// <summary>
    /// Writes a model's weights in Hugging Face's layout: <c>model.safetensors</c>, or shards with an index, which is written last. An index or a
    /// <c>model.safetensors</c> of the other layout is deleted afterwards.
    /// </summary>
    /// <param name="folder">The full path of the folder.</param>
    /// <param name="storage">Where the folder is.</param>
    /// <param name="tensors">The weights. Shards are filled in this order.</param>
    /// <param name="maxShardBytes">The largest size of a shard's data in bytes. A shard with a single tensor may be larger.</param>
    /// <exception cref="InputException">A value is not finite in the type to be written; see <see cref="TensorSource.MustBeFinite"/>.</exception>
    public static void WriteFolder(string folder, IStorage storage, IReadOnlyList<TensorSource> tensors, long maxShardBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxShardBytes);
        Dictionary<string, string> metadata = new(StringComparer.Ordinal) { ["format"] = "pt" };
        List<List<TensorSource>> shards = Split(tensors, maxShardBytes);
        string single = Path.Combine(folder, SafetensorsFolder.SingleName), index = Path.Combine(folder, SafetensorsFolder.IndexName);
        if (shards.Count <= 1)
        {
            Write(single, storage, tensors, metadata);
            if (storage.FileExists(index))
                storage.DeleteFile(index);
            return;
        }

        SortedDictionary<string, string> where = new(StringComparer.Ordinal);
        for (int i = 0; i < shards.Count; i++)
        {
            string name = $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors";
            Write(Path.Combine(folder, name), storage, shards[i], metadata);
            foreach (TensorSource tensor in shards[i])
                where.Add(tensor.Name, name);
        }

        storage.WriteAtomically(index, stream => WriteIndex(stream, tensors, where));
        if (storage.FileExists(single))
            storage.DeleteFile(single);
    }

    private static List<List<TensorSource>> Split(IReadOnlyList<TensorSource> tensors, long maxShardBytes)
    {
        List<List<TensorSource>> shards = [];
        long bytes = 0;
        foreach (TensorSource tensor in tensors)
        {
            if (shards.Count == 0 || (bytes > 0 && bytes + tensor.Bytes > maxShardBytes))
            {
                shards.Add([]);
                bytes = 0;
            }

            shards[^1].Add(tensor);
            bytes += tensor.Bytes;
        }

        return shards;
    }

    private static byte[] Header(TensorSource[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }

            long at = 0;
            foreach (TensorSource tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", TensorType.Name(tensor.Type));
                json.WriteStartArray("shape");
                foreach (long dimension in tensor.Shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(at);
                json.WriteNumberValue(at += tensor.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Padded with spaces to a multiple of eight bytes, so that the data begin aligned in a memory map.
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    private static void WriteData(Stream stream, TensorSource source)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable quiet = no_grad();
        Tensor tensor = source.Get().detach();
        if (!tensor.shape.SequenceEqual(source.Shape))
            throw new ArgumentException($"tensor '{source.Name}' is [{string.Join(",", tensor.shape)}], announced as [{string.Join(",", source.Shape)}]");
        Tensor flat = tensor.contiguous().reshape(-1);
        long count = flat.numel();
        for (long at = 0; at < count; at += SliceElements)
        {
            using DisposeScope slice = NewDisposeScope();
            Tensor part = flat.narrow(0, at, Math.Min(SliceElements, count - at)).to(CPU).to(source.Type).contiguous();
            if (source.MustBeFinite && !part.isfinite().all().item<bool>())
                throw Refusal(source, flat);
            stream.Write(part.bytes);
        }
    }

    private static InputException Refusal(TensorSource source, Tensor flat)
    {
        Tensor wide = flat.to(ScalarType.Float32);
        if (!wide.isfinite().all().cpu().item<bool>())
            return new InputException($"tensor '{source.Name}' has values that are not finite and is not written");
        float largest = wide.abs().max().cpu().item<float>();
        return new InputException(string.Create(
            CultureInfo.InvariantCulture, $"tensor '{source.Name}' has a value of {largest}, which {source.Type} cannot hold (up to {finfo(source.Type).max}); write it with dtype bfloat16 or float32"));
    }

    private static void WriteIndex(Stream stream, IReadOnlyList<TensorSource> tensors, SortedDictionary<string, string> where)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_parameters", tensors.Sum(tensor => tensor.Bytes / TensorType.Bytes(tensor.Type)));
            json.WriteNumber("total_size", tensors.Sum(tensor => tensor.Bytes));
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            foreach ((string tensor, string shard) in where)
                json.WriteString(tensor, shard);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        stream.Write(buffer.ToArray());
        stream.Write(Encoding.UTF8.GetBytes("\n"));
    }
}
