using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>
/// One end of a connection over two streams; both processes use this class. A message is a frame of four bytes for the length of the payload, one byte
/// for the <see cref="WorkerMessage"/>, and the payload. Everything is little-endian, as <see cref="BinaryWriter"/> writes it. Not thread-safe.
/// </summary>
/// <param name="input">The stream that the other end writes to.</param>
/// <param name="output">The stream that the other end reads from.</param>
public sealed class WorkerPipe(Stream input, Stream output)
{
    private const int HeadBytes = 5;

    private byte[] _received = [];

    /// <summary>Sends a message.</summary>
    /// <param name="message">The kind of message.</param>
    /// <param name="payload">Writes the payload; null for none.</param>
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

    /// <summary>Sends a message whose payload is nothing but numbers, without a copy. <see cref="AllNumbers"/> reads it.</summary>
    public void Send(WorkerMessage message, ReadOnlySpan<float> numbers)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(numbers);
        WriteHead(head, bytes.Length, message);
        output.Write(head);
        output.Write(bytes);
        output.Flush();
    }

    /// <summary>Waits for the next message; null if the other end has closed the stream. The payload is valid only until the next call.</summary>
    /// <exception cref="InvalidDataException">What comes is not a frame.</exception>
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

    /// <summary>Writes ids with their count in front.</summary>
    public static void WriteIds(BinaryWriter writer, ReadOnlySpan<int> ids)
    {
        writer.Write(ids.Length);
        writer.Write(MemoryMarshal.AsBytes(ids));
    }

    /// <summary>Reads what <see cref="WriteIds"/> wrote.</summary>
    /// <exception cref="InvalidDataException">There are fewer ids than the count says.</exception>
    public static int[] ReadIds(BinaryReader reader)
    {
        var ids = new int[Count(reader, sizeof(int))];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(ids.AsSpan()));
        return ids;
    }

    /// <summary>Writes numbers with their count in front.</summary>
    public static void WriteNumbers(BinaryWriter writer, ReadOnlySpan<float> numbers)
    {
        writer.Write(numbers.Length);
        writer.Write(MemoryMarshal.AsBytes(numbers));
    }

    /// <summary>Reads what <see cref="WriteNumbers"/> wrote.</summary>
    /// <exception cref="InvalidDataException">There are fewer numbers than the count says.</exception>
    public static float[] ReadNumbers(BinaryReader reader)
    {
        var numbers = new float[Count(reader, sizeof(float))];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    /// <summary>A payload of nothing but numbers. The span is the pipe's own memory, and is valid only until the next message is received.</summary>
    public static ReadOnlySpan<float> AllNumbers(BinaryReader reader)
    {
        var stream = (MemoryStream)reader.BaseStream;
        return MemoryMarshal.Cast<byte, float>(stream.GetBuffer().AsSpan(0, (int)stream.Length));
    }

    /// <summary>Reads a count of items that follow it.</summary>
    /// <param name="reader">The payload.</param>
    /// <param name="leastBytes">The fewest bytes that an item can have.</param>
    /// <exception cref="InvalidDataException">The rest of the payload is too short for that many items.</exception>
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
