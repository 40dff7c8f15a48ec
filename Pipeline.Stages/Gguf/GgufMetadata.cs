using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Gguf;

/// <summary>
/// The metadata of a file: values by key, which are numbers, flags, texts, or arrays of one of these. Integers of any width are read as long, and both
/// kinds of floating-point numbers as double. A value is null where the file does not have its key.
/// </summary>
internal sealed class GgufMetadata
{
    private const int MostKeys = 65_536, LongestKey = 65_535, LongestText = 64 << 20, MostItems = 1 << 26;

    private readonly string _path;
    private readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);

    private GgufMetadata(string path) => _path = path;

    /// <summary>All values: long, double, bool, string, or an array of one of these.</summary>
    public IReadOnlyDictionary<string, object> Values => _values;

    /// <summary>A whole number.</summary>
    /// <exception cref="InputException">The value exists and is not a whole number.</exception>
    public long? Whole(string key) => Find(key) switch
    {
        null => null,
        long number => number,
        object other => throw Wrong(key, other, "a whole number"),
    };

    /// <summary>A number, whole or not.</summary>
    /// <exception cref="InputException">The value exists and is not a number.</exception>
    public double? Number(string key) => Find(key) switch
    {
        null => null,
        long number => number,
        double number => number,
        object other => throw Wrong(key, other, "a number"),
    };

    /// <summary>A flag.</summary>
    /// <exception cref="InputException">The value exists and is neither true nor false.</exception>
    public bool? Flag(string key) => Find(key) switch
    {
        null => null,
        bool flag => flag,
        object other => throw Wrong(key, other, "true or false"),
    };

    /// <summary>A text.</summary>
    /// <exception cref="InputException">The value exists and is not a text.</exception>
    public string? Text(string key) => Find(key) switch
    {
        null => null,
        string text => text,
        object other => throw Wrong(key, other, "a text"),
    };

    /// <summary>An array of texts.</summary>
    /// <exception cref="InputException">The value exists and is not an array of texts.</exception>
    public string[]? Texts(string key) => Find(key) switch
    {
        null => null,
        string[] texts => texts,
        object other => throw Wrong(key, other, "an array of texts"),
    };

    /// <summary>An array of whole numbers.</summary>
    /// <exception cref="InputException">The value exists and is not an array of whole numbers.</exception>
    public long[]? Wholes(string key) => Find(key) switch
    {
        null => null,
        long[] numbers => numbers,
        object other => throw Wrong(key, other, "an array of whole numbers"),
    };

    /// <summary>An array of floating-point numbers.</summary>
    /// <exception cref="InputException">The value exists and is not an array of floating-point numbers.</exception>
    public double[]? Numbers(string key) => Find(key) switch
    {
        null => null,
        double[] numbers => numbers,
        object other => throw Wrong(key, other, "an array of numbers"),
    };

    /// <summary>Reads the metadata, from where the reader is.</summary>
    /// <exception cref="InputException">The file is corrupt.</exception>
    internal static GgufMetadata Read(ref GgufReader reader, int keys, string path)
    {
        if (keys > MostKeys)
            throw reader.Corrupt($"{keys} keys, expected at most {MostKeys}");
        GgufMetadata metadata = new(path);
        for (int i = 0; i < keys; i++)
        {
            string key = reader.Text($"key {i}", LongestKey);
            object value = Value(ref reader, (GgufValueType)reader.UInt32($"the type of '{key}'"), key);
            if (!metadata._values.TryAdd(key, value))
                throw reader.Corrupt($"key '{key}' is given twice");
        }
        return metadata;
    }

    private object? Find(string key) => _values.GetValueOrDefault(key);

    private InputException Wrong(string key, object found, string expected)
        => new($"{_path}: '{key}' is of {found.GetType().Name}, expected {expected}");

    private static object Value(ref GgufReader reader, GgufValueType type, string key) => type switch
    {
        GgufValueType.String => reader.Text($"'{key}'", LongestText),
        GgufValueType.Array => Items(ref reader, key),
        GgufValueType.Bool => reader.Take(1, key)[0] != 0,
        GgufValueType.Float32 or GgufValueType.Float64 => Float(reader.Take(Width(type), key)),
        _ when Width(type) > 0 => Integer(ref reader, type, reader.Take(Width(type), key), key),
        _ => throw reader.Corrupt($"'{key}' has type {(uint)type}, which the format does not have"),
    };

    private static object Items(ref GgufReader reader, string key)
    {
        var type = (GgufValueType)reader.UInt32($"the type of '{key}'");
        int width = type == GgufValueType.String ? sizeof(ulong) : Width(type);
        if (width == 0)
            throw reader.Corrupt($"'{key}' is an array of type {(uint)type}; arrays of numbers, flags and texts are supported");
        int count = reader.Count($"the number of items of '{key}'", width, MostItems);
        if (type == GgufValueType.String)
        {
            var texts = new string[count];
            for (int i = 0; i < count; i++)
                texts[i] = reader.Text($"item {i} of '{key}'", LongestText);
            return texts;
        }
        ReadOnlySpan<byte> bytes = reader.Take(count * width, key);
        if (type == GgufValueType.Bool)
        {
            var flags = new bool[count];
            for (int i = 0; i < count; i++)
                flags[i] = bytes[i] != 0;
            return flags;
        }
        if (type is GgufValueType.Float32 or GgufValueType.Float64)
        {
            var numbers = new double[count];
            for (int i = 0; i < count; i++)
                numbers[i] = Float(bytes.Slice(i * width, width));
            return numbers;
        }
        var whole = new long[count];
        for (int i = 0; i < count; i++)
            whole[i] = Integer(ref reader, type, bytes.Slice(i * width, width), key);
        return whole;
    }

    private static double Float(ReadOnlySpan<byte> bytes)
        => bytes.Length == 4 ? BinaryPrimitives.ReadSingleLittleEndian(bytes) : BinaryPrimitives.ReadDoubleLittleEndian(bytes);

    private static long Integer(ref GgufReader reader, GgufValueType type, ReadOnlySpan<byte> bytes, string key)
    {
        if (type == GgufValueType.UInt64 && BinaryPrimitives.ReadUInt64LittleEndian(bytes) > long.MaxValue)
            throw reader.Corrupt($"'{key}' is above {long.MaxValue}");
        return type switch
        {
            GgufValueType.UInt8 => bytes[0],
            GgufValueType.Int8 => (sbyte)bytes[0],
            GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            GgufValueType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            _ => MemoryMarshal.Read<long>(bytes),
        };
    }

    /// <summary>The width of a value in bytes; 0 for a type without a fixed width, and for an unknown type.</summary>
    private static int Width(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => 0,
    };
}
