using System.IO.Compression;
using Pipeline.Contracts.Errors;
using ZstdSharp;

namespace Pipeline.Stages.Text;

/// <summary>JSON Lines as they are, or compressed by gzip (.gz) or zstd (.zst): the name says which.</summary>
internal static class LineCompression
{
    public static bool IsCompressed(string path) => HasEnding(path, ".gz") || HasEnding(path, ".zst");

    /// <summary>The lines of a file that is open; whoever opened it closes it.</summary>
    public static Stream Open(string path, Stream stream)
    {
        if (HasEnding(path, ".gz"))
            return new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);
        if (HasEnding(path, ".zst"))
            return new DecompressionStream(stream, leaveOpen: true);
        return stream;
    }

    /// <exception cref="InputException">The compressed data are damaged or cut.</exception>
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

    private static bool HasEnding(string path, string ending) => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase);
}
