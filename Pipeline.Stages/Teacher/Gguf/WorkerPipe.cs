using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>
/// Frames over two streams: four bytes of length, one of what it is, the payload (little-endian, as BinaryWriter writes). Both ends use it.
/// </summary>
/// <param name="input">What the other end wrote.</param>
/// <param name="output">What the other end reads.</param>
public sealed class WorkerPipe(Stream input, Stream output)
{
    private const int HeadBytes = 5;

    private byte[] _received = [];

    public void Send(WorkerMessage message, Action<BinaryWriter>? payload = null)
    {
        using MemoryStream frame = new();
        frame.Write(new byte[HeadBytes]);
        using BinaryWriter writer = new(frame);
        payload?.Invoke(writer);
        writer.Flush();
        Span<byte> bytes = frame.GetBuffer().AsSpan(0, checked((int)frame.Length));
        WriteHead(bytes, bytes.Length - HeadBytes, message);
        output.Write(bytes);
        output.Flush();
    }

    /// <summary>A frame of nothing but numbers, as they lie in memory.</summary>
    public void Send(WorkerMessage message, ReadOnlySpan<float> numbers)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(numbers);
        WriteHead(head, bytes.Length, message);
        output.Write(head);
        output.Write(bytes);
        output.Flush();
    }

    /// <summary>The next frame; null where the other end is gone. Its payload is gone with the next call.</summary>
    /// <exception cref="InvalidDataException">It is not a frame.</exception>
    public (WorkerMessage Message, BinaryReader Payload)? Receive()
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        if (input.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false) < HeadBytes)
            return null;
        int length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length < 0 || length > Array.MaxLength || !Enum.IsDefined((WorkerMessage)head[4]))
            throw new InvalidDataException($"a frame of kind {head[4]} and {length} bytes");
        if (_received.Length < length)
            _received = new byte[length];
        if (input.ReadAtLeast(_received.AsSpan(0, length), length, throwOnEndOfStream: false) < length)
            return null;
        return ((WorkerMessage)head[4], new BinaryReader(new MemoryStream(_received, 0, length, writable: false, publiclyVisible: true)));
    }

    public static void WriteIds(BinaryWriter writer, ReadOnlySpan<int> ids)
    {
        writer.Write(ids.Length);
        writer.Write(MemoryMarshal.AsBytes(ids));
    }

    /// <exception cref="InvalidDataException">There are fewer than it says.</exception>
    public static int[] ReadIds(BinaryReader reader)
    {
        var ids = new int[Count(reader, sizeof(int))];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(ids.AsSpan()));
        return ids;
    }

    public static void WriteNumbers(BinaryWriter writer, ReadOnlySpan<float> numbers)
    {
        writer.Write(numbers.Length);
        writer.Write(MemoryMarshal.AsBytes(numbers));
    }

    /// <exception cref="InvalidDataException">There are fewer than it says.</exception>
    public static float[] ReadNumbers(BinaryReader reader)
    {
        var numbers = new float[Count(reader, sizeof(float))];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    /// <summary>A payload of nothing but numbers, in place.</summary>
    public static ReadOnlySpan<float> AllNumbers(BinaryReader reader)
    {
        var stream = (MemoryStream)reader.BaseStream;
        return MemoryMarshal.Cast<byte, float>(stream.GetBuffer().AsSpan(0, (int)stream.Length));
    }

    /// <summary>A number of things, each of at least a given number of bytes, all still to come.</summary>
    /// <exception cref="InvalidDataException">They are not.</exception>
    public static int Count(BinaryReader reader, int leastBytes)
    {
        int count = reader.ReadInt32();
        long left = reader.BaseStream.Length - reader.BaseStream.Position;
        return count >= 0 && (long)count * leastBytes <= left ? count : throw new InvalidDataException($"{count} items in {left} bytes");
    }

    private static void WriteHead(Span<byte> frame, int length, WorkerMessage message)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame, length);
        frame[4] = (byte)message;
    }
}
