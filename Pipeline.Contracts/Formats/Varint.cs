using System.Buffers;

namespace Pipeline.Contracts.Formats;

/// <summary>Numbers in as few bytes as they need, seven bits a byte, lowest first.</summary>
internal static class Varint
{
    public static void Write(IBufferWriter<byte> buffer, uint value)
    {
        Span<byte> span = buffer.GetSpan(5);
        int length = 0;
        while (value >= 0x80)
        {
            span[length++] = (byte)(value | 0x80);
            value >>= 7;
        }
        span[length++] = (byte)value;
        buffer.Advance(length);
    }

    /// <summary>Small numbers of either sign stay small.</summary>
    public static void WriteSigned(IBufferWriter<byte> buffer, int value) => Write(buffer, (uint)((value << 1) ^ (value >> 31)));

    /// <exception cref="InvalidDataException">The bytes end inside the number, or it has more than 32 bits.</exception>
    public static uint Read(ref ReadOnlySpan<byte> bytes)
    {
        uint value = 0;
        for (int i = 0; i < bytes.Length && i < 5; i++)
        {
            byte b = bytes[i];
            if (i == 4 && b > 0x0F)
                break;
            value |= (uint)(b & 0x7F) << (7 * i);
            if (b < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return value;
            }
        }
        throw new InvalidDataException("a packed number does not end");
    }

    public static int ReadSigned(ref ReadOnlySpan<byte> bytes)
    {
        uint value = Read(ref bytes);
        return (int)(value >> 1) ^ -(int)(value & 1);
    }

    /// <exception cref="InvalidDataException">It is larger than <paramref name="most"/>.</exception>
    public static int ReadAtMost(ref ReadOnlySpan<byte> bytes, int most)
    {
        uint value = Read(ref bytes);
        return value <= (uint)most ? (int)value : throw new InvalidDataException($"a packed number is {value}, at most {most} fits there");
    }
}
