using System.Buffers.Binary;
using System.Text;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Tests.Progress;

/// <summary>The frames against a bit-by-bit CRC-32C and the messages against bytes assembled by hand from the format's definition.</summary>
public sealed class EventFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", 0x00000000u)]
    [InlineData("123456789", 0xE3069283u)]
    [InlineData("a", 0xC1D04330u)]
    public void The_masked_sum_is_that_of_CRC_32C(string text, uint crc)
    {
        uint masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;

        Assert.Equal(masked, EventFile.MaskedCrc(Encoding.ASCII.GetBytes(text)));
        Assert.Equal(crc, SlowCrc(Encoding.ASCII.GetBytes(text)));
    }

    [Fact]
    public void Scalars_are_framed_events()
    {
        DateTimeOffset now = DateTimeOffset.FromUnixTimeMilliseconds(1_500);
        using (EventFile file = EventFile.Create(new DiskStorage(), _folder.Path, now))
            file.Scalar("a/b", 300, 0.5, now);

        string path = Assert.Single(Directory.GetFiles(_folder.Path));
        List<byte[]> payloads = Payloads(File.ReadAllBytes(path));

        Assert.Contains("tfevents", path, StringComparison.Ordinal);
        byte[] time = [0x09, .. BitConverter.GetBytes(1.5)];
        byte[] version = [.. time, 0x1A, 13, .. "brain.Event:2"u8];
        byte[] value = [0x0A, 3, .. "a/b"u8, 0x15, .. BitConverter.GetBytes(0.5f)];
        byte[] scalar = [.. time, 0x10, 0xAC, 0x02, 0x2A, (byte)(value.Length + 2), 0x0A, (byte)value.Length, .. value];
        Assert.Equal([version, scalar], payloads);
    }

    private static List<byte[]> Payloads(byte[] file)
    {
        var payloads = new List<byte[]>();
        for (int at = 0; at < file.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(Masked(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            byte[] payload = file[(at + 12)..(at + 12 + length)];
            Assert.Equal(Masked(payload), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            payloads.Add(payload);
            at += 16 + length;
        }
        return payloads;
    }

    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        uint crc = SlowCrc(bytes);
        return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
    }

    private static uint SlowCrc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) == 0 ? 0 : 0x82F63B78u);
        }
        return ~crc;
    }
}
