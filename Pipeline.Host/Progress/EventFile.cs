using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Progress;

/// <summary>
/// A TensorBoard event file. It is a sequence of TFRecord frames (length, masked CRC-32C of the length, payload, masked CRC-32C of the payload), whose
/// payloads are Event messages. TorchSharp has such a writer too, but it loads the native library.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private const uint MaskDelta = 0xa282ead8;
    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(5);

    // The field numbers of tensorflow.Event, Summary and Summary.Value.
    private const int WallTime = 1;
    private const int Step = 2;
    private const int FileVersion = 3;
    private const int Summary = 5;
    private const int SummaryValue = 1;
    private const int Tag = 1;
    private const int SimpleValue = 2;

    private readonly Stream _stream;
    private DateTimeOffset _flushed;

    private EventFile(Stream stream, DateTimeOffset now) => (_stream, _flushed) = (stream, now);

    public static EventFile Create(IStorage storage, string folder, DateTimeOffset now)
    {
        storage.CreateDirectory(folder);
        string name = string.Create(
            CultureInfo.InvariantCulture, $"events.out.tfevents.{now.ToUnixTimeMilliseconds() / 1000.0:F3}.{storage.Process}");
        var file = new EventFile(storage.OpenAppend(Path.Combine(folder, name)), now);
        file.Write(output =>
        {
            WriteTime(output, now);
            output.WriteTag(FileVersion, WireFormat.WireType.LengthDelimited);
            output.WriteString("brain.Event:2");
        });
        return file;
    }

    /// <summary>Appends a value at a training step. The file is flushed every few seconds.</summary>
    public void Scalar(string tag, long step, double value, DateTimeOffset now)
    {
        byte[] summary = Message(output =>
        {
            output.WriteTag(SummaryValue, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(Message(inner =>
            {
                inner.WriteTag(Tag, WireFormat.WireType.LengthDelimited);
                inner.WriteString(tag);
                inner.WriteTag(SimpleValue, WireFormat.WireType.Fixed32);
                inner.WriteFloat((float)value);
            })));
        });
        Write(output =>
        {
            WriteTime(output, now);
            output.WriteTag(Step, WireFormat.WireType.Varint);
            output.WriteInt64(step);
            output.WriteTag(Summary, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(summary));
        });
        if (now - _flushed < FlushInterval)
            return;
        _flushed = now;
        _stream.Flush();
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>CRC-32C as TFRecord masks it, so that the checksum of a record that contains checksums does not look like one of them.</summary>
    public static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        crc = ~crc;
        return ((crc >> 15) | (crc << 17)) + MaskDelta;
    }

    private void Write(Action<CodedOutputStream> write)
    {
        byte[] payload = Message(write);
        var frame = new byte[8 + 4 + payload.Length + 4];
        BinaryPrimitives.WriteUInt64LittleEndian(frame, (ulong)payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(8), MaskedCrc(frame.AsSpan(0, 8)));
        payload.CopyTo(frame, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(12 + payload.Length), MaskedCrc(payload));
        _stream.Write(frame);
    }

    private static void WriteTime(CodedOutputStream output, DateTimeOffset now)
    {
        output.WriteTag(WallTime, WireFormat.WireType.Fixed64);
        output.WriteDouble(now.ToUnixTimeMilliseconds() / 1000.0);
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var buffer = new MemoryStream();
        using (var output = new CodedOutputStream(buffer, leaveOpen: true))
            write(output);
        return buffer.ToArray();
    }
}
