using System.IO.Compression;
using K4os.Compression.LZ4;
using Snappier;
using ZstdSharp;

namespace Pipeline.Stages.Text.Columns;

/// <summary>Undoes a page's compression into a buffer of the size its header claims, which is checked before anything is allocated.</summary>
internal static class PageCodec
{
    /// <summary>Larger pages are refused: one page is in memory at a time, and writers make them of one to a hundred megabytes.</summary>
    public const int MaxPageBytes = 256 << 20;

    public static void Check(ColumnCodec codec, int compressed, int bytes)
    {
        // The best that each format can do; a claim above it is no page.
        long limit = codec switch
        {
            ColumnCodec.Uncompressed => compressed,
            ColumnCodec.Snappy => (compressed * 64L) + 64,
            ColumnCodec.Gzip => (compressed * 1040L) + 1024,
            ColumnCodec.Lz4 => (compressed * 256L) + 64,
            ColumnCodec.Zstd or ColumnCodec.Brotli => MaxPageBytes,
            ColumnCodec.Lzo or ColumnCodec.Lz4Framed => throw new ColumnFormatException(
                $"compression {codec} is not supported; write it with zstd, snappy, gzip, brotli, lz4_raw or none"),
            _ => throw new ColumnFormatException($"compression {(int)codec}, which the format does not have"),
        };
        if (compressed > MaxPageBytes || bytes > MaxPageBytes)
            throw new ColumnFormatException($"a page of {Math.Max(compressed, bytes)} bytes; at most {MaxPageBytes} are read, write smaller pages");
        if (bytes > limit)
            throw new ColumnFormatException($"a page of {compressed} bytes claims to be {bytes} bytes of {codec} data");
    }

    public static void Decompress(ColumnCodec codec, ReadOnlyMemory<byte> source, Span<byte> destination)
    {
        try
        {
            int written = codec switch
            {
                ColumnCodec.Snappy => FromSnappy(source.Span, destination),
                ColumnCodec.Gzip => FromStream(new GZipStream(Reader(source), CompressionMode.Decompress), destination),
                ColumnCodec.Brotli => FromStream(new BrotliStream(Reader(source), CompressionMode.Decompress), destination),
                ColumnCodec.Zstd => FromZstd(source.Span, destination),
                ColumnCodec.Lz4 => LZ4Codec.Decode(source.Span, destination),
                _ => Copy(source.Span, destination),
            };
            if (written != destination.Length)
                throw new ColumnFormatException($"a page of {codec} data gives {written} bytes, its header says {destination.Length}");
        }
        catch (Exception e) when (e is InvalidDataException or IOException or ZstdException or ArgumentException or InvalidOperationException)
        {
            throw new ColumnFormatException($"a page is not {codec} data: {e.Message}", e);
        }
    }

    private static int Copy(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        source.CopyTo(destination);
        return source.Length;
    }

    private static int FromSnappy(ReadOnlySpan<byte> source, Span<byte> destination)
        => Snappy.GetUncompressedLength(source) == destination.Length ? Snappy.Decompress(source, destination) : -1;

    private static int FromZstd(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        using var decompressor = new Decompressor();
        return decompressor.Unwrap(source, destination);
    }

    private static int FromStream(Stream stream, Span<byte> destination)
    {
        using (stream)
        {
            int read = stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
            return stream.ReadByte() < 0 ? read : -1;
        }
    }

    private static MemoryStream Reader(ReadOnlyMemory<byte> source)
        => System.Runtime.InteropServices.MemoryMarshal.TryGetArray(source, out ArraySegment<byte> segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(source.ToArray(), writable: false);
}
