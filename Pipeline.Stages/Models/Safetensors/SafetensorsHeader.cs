using System.Buffers.Binary;
using System.Text.Json;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>
/// Reads the beginning of a safetensors file: eight bytes with the length of the header, then the header, which is JSON. The data follow. Since the file
/// may come from a stranger, all sizes are checked against the length of the file before any memory of such a size is allocated.
/// </summary>
internal static class SafetensorsHeader
{
    /// <summary>The largest header that the format allows, in bytes.</summary>
    public const long LargestJson = 100_000_000;

    // Far more than any model has. Anything larger is no real header, and would only fill the memory. The lengths are in bytes.
    private const int MostTensors = 262_144, LongestName = 4096, LongestMetadata = 16_000_000;

    private const string Metadata = "__metadata__";

    /// <summary>Reads and checks the header.</summary>
    /// <param name="head">The beginning of the file, with at least the whole header unless the file is cut off.</param>
    /// <param name="fileLength">The length of the file in bytes.</param>
    /// <param name="path">What messages call the file.</param>
    /// <returns>The tensors in the order of the header, and its metadata.</returns>
    /// <exception cref="InputException">The file is corrupt, or has a tensor of a type that is not supported. The message says what is wrong.</exception>
    public static (IReadOnlyList<TensorEntry> Entries, IReadOnlyDictionary<string, string> Metadata) Read(ReadOnlySpan<byte> head, long fileLength, string path)
    {
        if (fileLength < 8)
            throw Corrupt(path, $"{fileLength} bytes long, shorter than the 8 bytes of the header's length");
        ulong claimed = BinaryPrimitives.ReadUInt64LittleEndian(head);
        if (claimed > LargestJson)
            throw Corrupt(path, $"the header says it is {claimed} bytes long, the format allows {LargestJson}");
        long length = (long)claimed;
        if (length > fileLength - 8)
            throw Corrupt(path, $"the header says it is {length} bytes long, the file has {fileLength - 8} after the length; cut off?");
        return Parse(head.Slice(8, (int)length), 8 + length, fileLength, path);
    }

    private static (IReadOnlyList<TensorEntry> Entries, IReadOnlyDictionary<string, string> Metadata) Parse(ReadOnlySpan<byte> json, long dataStart, long fileLength, string path)
    {
        List<TensorEntry> entries = [];
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        HashSet<string> names = new(StringComparer.Ordinal);
        try
        {
            CheckSize(json, path);
            // The reader reports every property in turn and accepts names that come twice, so these are refused here.
            Utf8JsonReader reader = new(json);
            Expect(ref reader, JsonTokenType.StartObject, path, "the header");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                if (!names.Add(name))
                    throw Corrupt(path, $"tensor '{name}' is listed twice");
                if (name == Metadata)
                    ReadMetadata(ref reader, metadata, path);
                else
                    entries.Add(ReadEntry(ref reader, name, dataStart, fileLength, path));
            }

            if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
                throw Corrupt(path, "the header does not end where its object ends");
        }
        catch (JsonException e)
        {
            throw Corrupt(path, $"the header is not JSON ({e.Message})", e);
        }
        catch (InvalidOperationException e)
        {
            throw Corrupt(path, $"the header holds text that is not UTF-8 ({e.Message})", e);
        }

        CheckLayout(entries, dataStart, fileLength, path);
        return (entries, metadata);
    }

    // Reads the whole header once and keeps nothing of it, so that a header with too much in it is refused before memory is spent on its tensors.
    private static void CheckSize(ReadOnlySpan<byte> json, string path)
    {
        Utf8JsonReader reader = new(json);
        int tensors = 0, longest = LongestName;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
            {
                longest = reader.ValueTextEquals(Metadata) ? LongestMetadata : LongestName;
                if (++tensors > MostTensors)
                    throw Corrupt(path, $"more than {MostTensors} tensors");
            }

            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String && reader.ValueSpan.Length > longest)
                throw Corrupt(path, $"text of {reader.ValueSpan.Length} bytes at byte {reader.TokenStartIndex} of the header, expected at most {longest}");
        }
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata, string path)
    {
        Expect(ref reader, JsonTokenType.StartObject, path, Metadata);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            Expect(ref reader, JsonTokenType.String, path, $"{Metadata}.{key}");
            metadata[key] = reader.GetString()!;
        }
    }

    private static TensorEntry ReadEntry(ref Utf8JsonReader reader, string name, long dataStart, long fileLength, string path)
    {
        string? type = null;
        List<long>? shape = null, offsets = null;
        Expect(ref reader, JsonTokenType.StartObject, path, $"tensor '{name}'");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            switch (key)
            {
                case "dtype" when type is null:
                    Expect(ref reader, JsonTokenType.String, path, $"tensor '{name}': dtype");
                    type = reader.GetString();
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref reader, path, $"tensor '{name}': shape", 64);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref reader, path, $"tensor '{name}': data_offsets", 2);
                    break;
                default:
                    throw Corrupt(path, $"tensor '{name}': key '{key}' is unknown or given twice");
            }
        }

        if (type is null || shape is null || offsets is not { Count: 2 })
            throw Corrupt(path, $"tensor '{name}': dtype, shape and two data_offsets are needed");
        if (!TensorType.TryParse(type, out var scalar, out int size))
        {
            throw new InputException(TensorType.IsQuantized(type)
                ? $"{path}: tensor '{name}' is stored as {type}: the weights are quantized, which is not supported; use the model's float32, bfloat16 or float16 weights"
                : $"{path}: tensor '{name}': dtype {type} is not supported; supported: {TensorType.Known}");
        }
        (long begin, long end) = (offsets[0], offsets[1]);
        if (begin > end || end > fileLength - dataStart)
            throw Corrupt(path, $"tensor '{name}': data_offsets [{begin},{end}], the data is {fileLength - dataStart} bytes long");
        if (Product(shape, size) is not { } bytes || bytes != end - begin)
            throw Corrupt(path, $"tensor '{name}': {type} [{string.Join(",", shape)}] does not take {end - begin} bytes");
        return new TensorEntry(name, scalar, shape, dataStart + begin, bytes);
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader reader, string path, string what, int most)
    {
        List<long> numbers = [];
        Expect(ref reader, JsonTokenType.StartArray, path, what);
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            if (!reader.TryGetInt64(out long number) || number < 0 || numbers.Count == most)
                throw Corrupt(path, $"{what}: expected at most {most} whole numbers of 0 or more");
            numbers.Add(number);
        }

        if (reader.TokenType != JsonTokenType.EndArray)
            throw Corrupt(path, $"{what}: expected whole numbers only");
        return numbers;
    }

    // The format demands that the tensors cover the data without gaps or overlaps.
    private static void CheckLayout(List<TensorEntry> entries, long dataStart, long fileLength, string path)
    {
        long at = dataStart;
        TensorEntry? before = null;
        foreach (TensorEntry entry in entries.OrderBy(entry => entry.Offset).ThenBy(entry => entry.Bytes))
        {
            if (entry.Offset < at)
                throw Corrupt(path, $"tensor '{entry.Name}' overlaps '{before?.Name}'");
            if (entry.Offset > at)
                throw Corrupt(path, $"{entry.Offset - at} bytes before tensor '{entry.Name}' belong to no tensor");
            at += entry.Bytes;
            before = entry;
        }

        if (at != fileLength)
            throw Corrupt(path, $"{fileLength - at} bytes at the end belong to no tensor");
    }

    private static long? Product(List<long> shape, int size)
    {
        try
        {
            return shape.Aggregate((long)size, (product, dimension) => checked(product * dimension));
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string path, string what)
    {
        if (!reader.Read() || reader.TokenType != type)
            throw Corrupt(path, $"{what}: expected {type}, found {reader.TokenType}");
    }

    private static InputException Corrupt(string path, string what, Exception? inner = null)
        => new($"{path}: corrupt safetensors file: {what}; download or write it again", inner);
}
