namespace Pipeline.Stages.Text.Columns;

/// <summary>Bit-packed and variable-length integers, checked against the end of their bytes.</summary>
internal static class Bits
{
    /// <summary>Reads <paramref name="width"/> bits (0 to 32) from bit <paramref name="position"/> on, least significant first.</summary>
    public static uint Read(ReadOnlySpan<byte> bytes, long position, int width) => (uint)ReadLong(bytes, position, width);

    /// <summary>Reads <paramref name="width"/> bits (0 to 64).</summary>
    public static ulong ReadLong(ReadOnlySpan<byte> bytes, long position, int width)
    {
        if (position + width > (long)bytes.Length * 8)
            throw new ColumnFormatException("packed values end too early");
        ulong value = 0;
        for (int done = 0; done < width;)
        {
            int bit = (int)(position & 7);
            int take = Math.Min(8 - bit, width - done);
            ulong part = (ulong)(bytes[(int)(position >> 3)] >> bit) & ((1UL << take) - 1);
            value |= part << done;
            done += take;
            position += take;
        }
        return value;
    }

    public static ulong VarInt(ReadOnlySpan<byte> bytes, ref int position)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (position >= bytes.Length)
                throw new ColumnFormatException("a number ends too early");
            byte next = bytes[position++];
            value |= (ulong)(next & 0x7f) << shift;
            if ((next & 0x80) == 0)
                return value;
        }
        throw new ColumnFormatException("a number longer than 64 bits");
    }

    public static long ZigZag(ReadOnlySpan<byte> bytes, ref int position)
    {
        ulong value = VarInt(bytes, ref position);
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public static int Width(int maximum) => maximum == 0 ? 0 : 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)maximum);
}
