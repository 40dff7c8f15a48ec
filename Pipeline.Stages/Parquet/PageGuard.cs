using System.Buffers;
using System.IO.Compression;
using System.IO.Hashing;
using K4os.Compression.LZ4;
using Snappier;
using ZstdSharp;

namespace Pipeline.Stages.Parquet;

/// <summary>
/// Checks pages before the library decompresses them. The library allocates as much as a page claims. And if the result is shorter than that, what was left
/// in a pooled buffer would be taken for text.
/// </summary>
internal static class PageGuard
{
    /// <summary>Larger pages are refused. Writers make pages of one to a hundred megabytes.</summary>
    public const int MaxPageBytes = 256 << 20;

    /// <summary>Pages with more values are refused, because a few bytes of levels can stand for billions of nulls.</summary>
    public const int MaxPageValues = 1 << 24;

    /// <summary>Why pages of this compression cannot be read, or null if they can.</summary>
    public static string? FaultOf(ColumnCodec codec)
        => codec is ColumnCodec.Lzo || !Enum.IsDefined(codec) ? $"compression {codec} is not supported; write the file with zstd, snappy, gzip, brotli, LZ4 or none" : null;

    /// <summary>Checks a page by its header.</summary>
    /// <exception cref="ColumnFormatException">The page is too large, damaged, or in a form that is not supported.</exception>
    public static void CheckHeader(PageHeader page, ColumnCodec codec, PhysicalType type)
    {
        if (FaultOf(codec) is { } fault)
            throw new ColumnFormatException(fault);
        if (page.CompressedBytes > MaxPageBytes || page.Bytes > MaxPageBytes)
            throw new ColumnFormatException($"a page of {Math.Max(page.CompressedBytes, page.Bytes)} bytes, expected at most {MaxPageBytes}; write smaller pages");
        if (page.Values > MaxPageValues)
            throw new ColumnFormatException($"a page of {page.Values} values, expected at most {MaxPageValues}; write smaller pages");
        if (page.Kind == PageKind.Dictionary && page.Values > page.Bytes / sizeof(int))
            throw new ColumnFormatException($"a dictionary of {page.Values} values in {page.Bytes} bytes");
        if (page.Encoding is ValueEncoding.Plain or ValueEncoding.PlainDictionary)
            return;
        if (type != PhysicalType.ByteArray)
        {
            if (page.Kind == PageKind.Dictionary || page.Encoding is not (ValueEncoding.RleDictionary or ValueEncoding.Rle or ValueEncoding.DeltaBinaryPacked or ValueEncoding.ByteStreamSplit))
                throw new ColumnFormatException($"a page in encoding {page.Encoding}; numbers may be PLAIN, dictionary, RLE, DELTA_BINARY_PACKED or BYTE_STREAM_SPLIT: write it in one of them");
            return;
        }
        if (page.Encoding is not (ValueEncoding.RleDictionary or ValueEncoding.DeltaLengthByteArray or ValueEncoding.DeltaByteArray) || page.Kind == PageKind.Dictionary)
            throw new ColumnFormatException($"a page in encoding {page.Encoding}; text may be PLAIN, dictionary, DELTA_LENGTH_BYTE_ARRAY or DELTA_BYTE_ARRAY: write it in one of them");
    }

    /// <summary>
    /// Checks a page's body: that it has the checksum of the header, if there is one, and that it can decompress to the length which the header claims. Gzip
    /// and the old LZ4 do not tell their length, so that only a bound on it is checked.
    /// </summary>
    /// <exception cref="ColumnFormatException">It does not.</exception>
    public static void CheckBody(PageHeader page, ColumnCodec codec, ReadOnlySpan<byte> body, long position)
    {
        if (page.Crc is { } expected && Crc32.HashToUInt32(body) is uint found && found != expected)
            throw new ColumnFormatException($"the page at byte {position} has checksum {found:x8}, its header says {expected:x8}: the file is damaged");
        int levels = page.DefinitionBytes + page.RepetitionBytes;
        ReadOnlySpan<byte> data = body[levels..];
        long claimed = page.Bytes - levels;
        long limit = !page.IsCompressed || data.IsEmpty ? data.Length : codec switch
        {
            // Bounds on what each format can do: a copy in Snappy makes 64 bytes of three, deflate makes 258 bytes of two bits, a byte of LZ4 makes 255.
            ColumnCodec.Snappy => data.Length * 64L,
            ColumnCodec.Gzip => (data.Length * 1040L) + 1024,
            ColumnCodec.Zstd or ColumnCodec.Brotli => MaxPageBytes,
            ColumnCodec.Lz4 or ColumnCodec.Lz4Framed => (data.Length * 255L) + 64,
            _ => data.Length,
        };
        if (claimed > limit || (!page.IsCompressed && claimed != data.Length))
            throw new ColumnFormatException($"the page at byte {position} has {data.Length} bytes and claims to be {claimed} bytes of {codec} data");
        long real = data.IsEmpty || !page.IsCompressed ? data.Length : codec switch
        {
            ColumnCodec.Snappy => SnappyLength(data),
            ColumnCodec.Zstd => ZstdLength(data),
            ColumnCodec.Uncompressed => data.Length,
            ColumnCodec.Brotli => BrotliLength(data),
            ColumnCodec.Lz4 => Lz4Length(data, claimed),
            _ => claimed,
        };
        if (real != claimed)
            throw new ColumnFormatException($"the page at byte {position} is {real} bytes of {codec} data, its header says {claimed}");
    }

    // Neither Brotli nor LZ4 says how long the content is, so it is decompressed once to find out.
    private static long BrotliLength(ReadOnlySpan<byte> data)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        using BrotliDecoder decoder = default;
        try
        {
            for (long length = 0; ;)
            {
                OperationStatus status = decoder.Decompress(data, buffer, out int consumed, out int written);
                data = data[consumed..];
                length += written;
                if (status == OperationStatus.Done)
                    return length;
                if (status != OperationStatus.DestinationTooSmall || length > MaxPageBytes)
                    throw new ColumnFormatException("a page is not brotli data");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static long Lz4Length(ReadOnlySpan<byte> data, long claimed)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)claimed);
        try
        {
            int length = LZ4Codec.Decode(data, buffer.AsSpan(0, (int)claimed));
            return length >= 0 ? length : throw new ColumnFormatException("a page is not LZ4 data");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static long SnappyLength(ReadOnlySpan<byte> data)
    {
        try
        {
            return Snappy.GetUncompressedLength(data);
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
        {
            throw new ColumnFormatException("a page is not Snappy data", e);
        }
    }

    private static long ZstdLength(ReadOnlySpan<byte> data)
    {
        try
        {
            return (long)Decompressor.GetDecompressedSize(data);
        }
        catch (ZstdException e)
        {
            throw new ColumnFormatException("a page is not zstd data", e);
        }
    }
}
