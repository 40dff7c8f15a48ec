using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Pipeline.Stages.Gguf;

/// <summary>
/// Writes a file in GGUF version 3, little-endian. First set the metadata and add the tensors, in the order in which the file is to have them; then write.
/// The stream is written from front to back. A key or a tensor that was added already throws an <see cref="ArgumentException"/>.
/// </summary>
internal sealed class GgufWriter
{
    private const uint Version = 3;
    private const int PieceElements = 1 << 20;

    private readonly List<Action<Stream>> _values = [];
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);
    private readonly List<GgufSource> _tensors = [];

    /// <summary>Sets a whole number of 0 or more, stored as an unsigned 32-bit integer.</summary>
    public void Set(string key, long value) => Value(key, GgufValueType.UInt32, stream => WriteUInt32(stream, checked((uint)value)));

    /// <summary>Sets a number, stored as float32.</summary>
    public void Set(string key, double value) => Value(key, GgufValueType.Float32, stream => WriteUInt32(stream, BitConverter.SingleToUInt32Bits((float)value)));

    /// <summary>Sets a flag.</summary>
    public void Set(string key, bool value) => Value(key, GgufValueType.Bool, stream => stream.WriteByte(value ? (byte)1 : (byte)0));

    /// <summary>Sets a text.</summary>
    public void Set(string key, string value) => Value(key, GgufValueType.String, stream => WriteText(stream, value));

    /// <summary>Sets an array of texts.</summary>
    public void Set(string key, IReadOnlyList<string> values) => Items(key, GgufValueType.String, values.Count, stream =>
    {
        foreach (string value in values)
            WriteText(stream, value);
    });

    /// <summary>Sets an array of float32.</summary>
    public void Set(string key, ReadOnlyMemory<float> values)
        => Items(key, GgufValueType.Float32, values.Length, stream => stream.Write(MemoryMarshal.AsBytes(values.Span)));

    /// <summary>Sets an array of signed 32-bit integers.</summary>
    public void Set(string key, ReadOnlyMemory<int> values)
        => Items(key, GgufValueType.Int32, values.Length, stream => stream.Write(MemoryMarshal.AsBytes(values.Span)));

    /// <summary>Adds a tensor, whose values are only asked for in <see cref="Write"/>.</summary>
    /// <exception cref="ArgumentException">Its rows are not a whole number of the type's blocks, or its name was added already.</exception>
    public void Add(GgufSource tensor)
    {
        if (!GgufTypes.Holds(tensor.Type, tensor.Shape[^1]))
            throw new ArgumentException($"tensor '{tensor.Name}': rows of {tensor.Shape[^1]} do not fit {tensor.Type}", nameof(tensor));
        if (_tensors.Exists(t => t.Name == tensor.Name))
            throw new ArgumentException($"tensor '{tensor.Name}' was added already", nameof(tensor));
        _tensors.Add(tensor);
    }

    /// <summary>Writes the file.</summary>
    /// <exception cref="ArgumentException">A tensor gave more or fewer values than its shape has.</exception>
    public void Write(Stream stream)
    {
        using MemoryStream head = new();
        WriteUInt32(head, GgufFile.Magic);
        WriteUInt32(head, Version);
        WriteUInt64(head, _tensors.Count);
        WriteUInt64(head, _keys.Count);
        foreach (Action<Stream> value in _values)
            value(head);
        long offset = 0;
        foreach (GgufSource tensor in _tensors)
        {
            WriteText(head, tensor.Name);
            WriteUInt32(head, (uint)tensor.Shape.Count);
            foreach (long size in tensor.Shape.Reverse())
                WriteUInt64(head, size);
            WriteUInt32(head, (uint)tensor.Type);
            WriteUInt64(head, offset);
            offset += GgufFile.Padded(tensor.Bytes, GgufFile.DefaultAlignment);
        }
        Pad(head, head.Length);
        head.WriteTo(stream);
        foreach (GgufSource tensor in _tensors)
        {
            WriteData(stream, tensor);
            Pad(stream, tensor.Bytes);
        }
    }

    private static void WriteData(Stream stream, GgufSource tensor)
    {
        long written = 0;
        byte[] buffer = [];
        tensor.Write(values =>
        {
            written += values.Length;
            if (written > tensor.Count)
                throw new ArgumentException($"tensor '{tensor.Name}' gave more than {tensor.Count} values");
            for (int at = 0; at < values.Length; at += PieceElements)
            {
                ReadOnlySpan<float> piece = values.Slice(at, Math.Min(PieceElements, values.Length - at));
                int bytes = (int)GgufTypes.Bytes(tensor.Type, piece.Length);
                if (buffer.Length < bytes)
                    buffer = new byte[bytes];
                GgufNumbers.Encode(tensor.Type, piece, buffer.AsSpan(0, bytes));
                stream.Write(buffer, 0, bytes);
            }
        });
        if (written != tensor.Count)
            throw new ArgumentException($"tensor '{tensor.Name}' gave {written} of {tensor.Count} values");
    }

    private void Items(string key, GgufValueType type, int count, Action<Stream> write) => Value(key, GgufValueType.Array, stream =>
    {
        WriteUInt32(stream, (uint)type);
        WriteUInt64(stream, count);
        write(stream);
    });

    private void Value(string key, GgufValueType type, Action<Stream> write)
    {
        if (!_keys.Add(key))
            throw new ArgumentException($"key '{key}' was added already", nameof(key));
        _values.Add(stream =>
        {
            WriteText(stream, key);
            WriteUInt32(stream, (uint)type);
            write(stream);
        });
    }

    private static void Pad(Stream stream, long length) => stream.Write(new byte[GgufFile.Padded(length, GgufFile.DefaultAlignment) - length]);

    private static void WriteText(Stream stream, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        WriteUInt64(stream, bytes.Length);
        stream.Write(bytes);
    }

    private static void WriteUInt32(Stream stream, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void WriteUInt64(Stream stream, long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        stream.Write(bytes);
    }
}
