using System.Buffers;

namespace Pipeline.Contracts.Formats;

/// <summary>Encodes a number in as few bytes as it needs: seven bits in each byte, the lowest first.</summary>
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

    /// <summary>Writes a number of either sign. Numbers near 0 take few bytes whatever their sign.</summary>
    public static void WriteSigned(IBufferWriter<byte> buffer, int value) => Write(buffer, (uint)((value << 1) ^ (value >> 31)));

    /// <summary>Reads a number and moves past it.</summary>
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

    /// <summary>The inverse of <see cref="WriteSigned"/>.</summary>
    /// <exception cref="InvalidDataException">As for <see cref="Read"/>.</exception>
    public static int ReadSigned(ref ReadOnlySpan<byte> bytes)
    {
        uint value = Read(ref bytes);
        return (int)(value >> 1) ^ -(int)(value & 1);
    }

    /// <summary>Reads a number that must not be larger than <paramref name="most"/>.</summary>
    /// <exception cref="InvalidDataException">It is larger, or as for <see cref="Read"/>.</exception>
    public static int ReadAtMost(ref ReadOnlySpan<byte> bytes, int most)
    {
        uint value = Read(ref bytes);
        return value <= (uint)most ? (int)value : throw new InvalidDataException($"a packed number is {value}, at most {most} fits there");
    }
}
