using System.Buffers.Binary;
using K4os.Compression.LZ4;

namespace Pipeline.Stages.Parquet;

/// <summary>
/// Decompresses the old LZ4 of Parquet, whose specification left the form open. It can be in Hadoop's framing (the big-endian length of the whole, and then
/// blocks, each after its own length) or a bare block. The Parquet library reads neither.
/// </summary>
internal static class HadoopLz4
{
    /// <summary>Decompresses data into <paramref name="plain"/>, which they must fill exactly.</summary>
    /// <exception cref="ColumnFormatException">The data are in neither form, or have another length.</exception>
    public static void Decompress(ReadOnlySpan<byte> data, Span<byte> plain)
    {
        if (!Framed(data, plain) && LZ4Codec.Decode(data, plain) != plain.Length)
            throw new ColumnFormatException("a page is not LZ4 data of the length its header says; write the file with LZ4_RAW, zstd or snappy");
    }

    private static bool Framed(ReadOnlySpan<byte> data, Span<byte> plain)
    {
        while (!plain.IsEmpty)
        {
            if (!TryLength(ref data, out int whole) || whole == 0 || whole > plain.Length)
                return false;
            for (int left = whole; left > 0;)
            {
                if (!TryLength(ref data, out int block) || block > data.Length || LZ4Codec.Decode(data[..block], plain[..left]) is var length && length <= 0)
                    return false;
                left -= length;
                plain = plain[length..];
                data = data[block..];
            }
        }
        return data.IsEmpty;
    }

    private static bool TryLength(ref ReadOnlySpan<byte> data, out int length)
    {
        if (!BinaryPrimitives.TryReadInt32BigEndian(data, out length) || length < 0)
            return false;
        data = data[sizeof(int)..];
        return true;
    }
}
