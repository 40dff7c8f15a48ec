using System.IO.Compression;

namespace Pipeline.Stages.Text;

/// <summary>
/// Reads gzip to its end, or refuses it. The library's stream ends without an error if the file was cut between two of its reads, or in the checksum of the
/// last member. But it looks for a next member only after a complete one. Therefore one more member, the seal, is put after the file. Its content comes
/// out last if all members before it were complete, and otherwise not at all. The file stays open.
/// </summary>
internal sealed class WholeGzip(Stream file) : ForwardStream
{
    // The text is written twice, so that a compressor does not store it literally. Otherwise a stored block that was cut off would take these very bytes for
    // its own.
    private static readonly byte[] Seal = [.. "the file was whole. "u8, .. "the file was whole. "u8];
    private static readonly byte[] SealedMember = Compress(Seal);

    private readonly GZipStream _members = new(new Followed(file, SealedMember), CompressionMode.Decompress);
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _isAtEnd;

    /// <exception cref="InvalidDataException">A member is damaged, or the file ends before its last member does.</exception>
    public override int Read(Span<byte> buffer)
    {
        // The last bytes are held back, because they may be the seal.
        while (_end - _start <= Seal.Length && !_isAtEnd)
            Fill();
        int count = Math.Min(buffer.Length, _end - _start - (_isAtEnd ? 0 : Seal.Length));
        _buffer.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _members.Dispose();
        base.Dispose(disposing);
    }

    private void Fill()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        int read = _members.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        if (read > 0)
            return;
        if (!_buffer.AsSpan(0, _end).EndsWith(Seal))
            throw new InvalidDataException("the file ends before its last member is complete, or something else follows it");
        _isAtEnd = true;
        _end -= Seal.Length;
    }

    private static byte[] Compress(byte[] bytes)
    {
        using var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.SmallestSize))
            gzip.Write(bytes);
        return stream.ToArray();
    }

    /// <summary>A stream with more bytes after its end.</summary>
    private sealed class Followed(Stream first, byte[] then) : ForwardStream
    {
        private int _given;

        public override int Read(Span<byte> buffer)
        {
            if (_given == 0 && first.Read(buffer) is > 0 and int read)
                return read;
            int count = Math.Min(buffer.Length, then.Length - _given);
            then.AsSpan(_given, count).CopyTo(buffer);
            _given += count;
            return count;
        }
    }
}
