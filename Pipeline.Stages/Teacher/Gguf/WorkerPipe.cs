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

    public void Send(WorkerMessage message, Action<BinaryWriter>? payload = null)
    {
        using MemoryStream frame = new();
        frame.Write(new byte[HeadBytes]);
        using BinaryWriter writer = new(frame);
        payload?.Invoke(writer);
        writer.Flush();
        Span<byte> bytes = frame.GetBuffer().AsSpan(0, checked((int)frame.Length));
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length - HeadBytes);
        bytes[4] = (byte)message;
        output.Write(bytes);
        output.Flush();
    }

    /// <summary>The next frame; null where the other end is gone.</summary>
    /// <exception cref="InvalidDataException">It is no frame.</exception>
    public (WorkerMessage Message, BinaryReader Payload)? Receive()
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        if (input.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false) < HeadBytes)
            return null;
        int length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length < 0 || length > Array.MaxLength)
            throw new InvalidDataException($"a frame of {length} bytes");
        byte[] bytes = new byte[length];
        if (input.ReadAtLeast(bytes, length, throwOnEndOfStream: false) < length)
            return null;
        return ((WorkerMessage)head[4], new BinaryReader(new MemoryStream(bytes)));
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

    /// <summary>A number of things, each of so many bytes at least, all still to come.</summary>
    /// <exception cref="InvalidDataException">They are not.</exception>
    public static int Count(BinaryReader reader, int leastBytes)
    {
        int count = reader.ReadInt32();
        long left = reader.BaseStream.Length - reader.BaseStream.Position;
        return count >= 0 && (long)count * leastBytes <= left ? count : throw new InvalidDataException($"{count} items in {left} bytes");
    }
}
