using System.Buffers.Binary;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using ZstdSharp;

namespace Pipeline.Stages.Text;

/// <summary>Opens JSON Lines that are plain or compressed, with gzip (.gz) or zstd (.zst). The name of the file says which.</summary>
internal static class LineCompression
{
    private static ReadOnlySpan<byte> GzipMark => [0x1F, 0x8B];

    public static bool IsCompressed(string path) => HasEnding(path, ".gz") || HasEnding(path, ".zst");

    /// <summary>The text of an open file. The caller still has to close the file.</summary>
    /// <exception cref="InputException">The file is not compressed in the way that its name says.</exception>
    public static Stream Open(string path, Stream stream)
    {
        if (!IsCompressed(path))
            return stream;
        var headed = new HeadedStream(stream);
        bool isGzip = HasEnding(path, ".gz");
        if (isGzip ? !headed.Head.StartsWith(GzipMark) : !IsZstd(headed.Head))
            throw new InputException($"{path}: {Instead(headed.Head)}, though its name says that it is compressed with {(isGzip ? "gzip" : "zstd")}");
        return isGzip ? new WholeGzip(headed) : new DecompressionStream(headed, leaveOpen: true);
    }

    /// <summary>Reads from such a text.</summary>
    /// <exception cref="InputException">The compressed data are damaged or cut off.</exception>
    public static int Read(Stream text, Span<byte> buffer, string path)
    {
        try
        {
            return text.Read(buffer);
        }
        catch (Exception e) when (e is InvalidDataException or ZstdException or EndOfStreamException)
        {
            throw new InputException($"{path}: its compressed data are damaged or cut ({e.Message}); copy it again", e);
        }
    }

    private static string Instead(ReadOnlySpan<byte> head)
        => FileHead.Tell(head) ?? $"it begins with {Convert.ToHexStringLower(head[..Math.Min(head.Length, 4)])} and is not compressed; give it the name of what it is, or compress it";

    // Either a frame, or a frame that readers are to skip.
    private static bool IsZstd(ReadOnlySpan<byte> head)
        => head.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(head) is 0xFD2FB528 or >= 0x184D2A50 and <= 0x184D2A5F;

    private static bool HasEnding(string path, string ending) => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase);
}
