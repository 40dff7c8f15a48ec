using System.IO.Hashing;
using Snappier;
using ZstdSharp;

namespace Pipeline.Stages.Text.Columns;

/// <summary>
/// What of a page's body is checked before the library decompresses it: it allocates what the page claims, and what a shorter
/// result leaves of a pooled buffer would be taken for text.
/// </summary>
internal static class PageGuard
{
    /// <summary>Larger pages are refused; writers make them of one to a hundred megabytes.</summary>
    public const int MaxPageBytes = 256 << 20;

    /// <summary>More values than this in one page are refused: a few bytes of levels can stand for billions of nulls.</summary>
    public const int MaxPageValues = 1 << 24;

    public static void CheckHeader(PageHeader page, ColumnCodec codec)
    {
        if (codec is not (ColumnCodec.Uncompressed or ColumnCodec.Snappy or ColumnCodec.Gzip or ColumnCodec.Zstd))
            throw new ColumnFormatException($"compression {codec} is not supported; write it with zstd, snappy, gzip or none");
        if (page.CompressedBytes > MaxPageBytes || page.Bytes > MaxPageBytes)
            throw new ColumnFormatException($"a page of {Math.Max(page.CompressedBytes, page.Bytes)} bytes; at most {MaxPageBytes} are read, write smaller pages");
        if (page.Values > MaxPageValues)
            throw new ColumnFormatException($"a page of {page.Values} values; at most {MaxPageValues} are read, write smaller pages");
        if (page.Kind == PageKind.Dictionary && page.Values > page.Bytes / sizeof(int))
            throw new ColumnFormatException($"a dictionary of {page.Values} values in {page.Bytes} bytes");
        if (page.Encoding is ValueEncoding.Plain or ValueEncoding.PlainDictionary)
            return;
        if (page.Encoding is not (ValueEncoding.RleDictionary or ValueEncoding.DeltaLengthByteArray) || page.Kind == PageKind.Dictionary)
            throw new ColumnFormatException($"a page in encoding {page.Encoding}; text is read as PLAIN, dictionary or DELTA_LENGTH_BYTE_ARRAY");
    }

    public static void CheckBody(PageHeader page, ColumnCodec codec, ReadOnlySpan<byte> body, long position)
    {
        if (page.Crc is { } expected && Crc32.HashToUInt32(body) is uint found && found != expected)
            throw new ColumnFormatException($"the page at byte {position} has checksum {found:x8}, its header says {expected:x8}: the file is damaged");
        int levels = page.DefinitionBytes + page.RepetitionBytes;
        ReadOnlySpan<byte> data = body[levels..];
        long claimed = page.Bytes - levels;
        long limit = !page.IsCompressed || data.IsEmpty ? data.Length : codec switch
        {
            // The best that each format can do: 64 bytes of three, 258 bytes of two bits.
            ColumnCodec.Snappy => data.Length * 64L,
            ColumnCodec.Gzip => (data.Length * 1040L) + 1024,
            ColumnCodec.Zstd => MaxPageBytes,
            _ => data.Length,
        };
        if (claimed > limit || (!page.IsCompressed && claimed != data.Length))
            throw new ColumnFormatException($"the page at byte {position} has {data.Length} bytes and claims to be {claimed} bytes of {codec} data");
        long real = data.IsEmpty || !page.IsCompressed ? data.Length : codec switch
        {
            ColumnCodec.Snappy => SnappyLength(data),
            ColumnCodec.Zstd => ZstdLength(data),
            ColumnCodec.Uncompressed => data.Length,
            _ => claimed,
        };
        if (real != claimed)
            throw new ColumnFormatException($"the page at byte {position} is {real} bytes of {codec} data, its header says {claimed}");
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
