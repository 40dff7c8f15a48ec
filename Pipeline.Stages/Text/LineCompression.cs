using System.IO.Compression;
using Pipeline.Contracts.Errors;
using ZstdSharp;

namespace Pipeline.Stages.Text;

/// <summary>JSON Lines as they are, or compressed by gzip (.gz) or zstd (.zst): the name says which.</summary>
internal static class LineCompression
{
    public static bool IsCompressed(string path) => HasEnding(path, ".gz") || HasEnding(path, ".zst");

    /// <summary>Leaves <paramref name="stream"/> open when the result is disposed.</summary>
    public static Stream Open(string path, Stream stream)
    {
        if (HasEnding(path, ".gz"))
            return new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);
        if (HasEnding(path, ".zst"))
            return new DecompressionStream(stream, leaveOpen: true);
        return new LeaveOpenStream(stream);
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

    private sealed class LeaveOpenStream(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => inner.Length;

        public override long Position
        {
            get => inner.Position;
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer) => inner.Read(buffer);

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
