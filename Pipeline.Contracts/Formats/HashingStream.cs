using System.IO.Hashing;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// Hashes what is written to a file on its way there. It can only be written, from beginning to end. Disposing of it leaves the file open.
/// </summary>
internal sealed class HashingStream(Stream file) : Stream
{
    private readonly XxHash3 _hash = new();
    private long _length;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException("the stream is hashed as it is written and does not go back");
    }

    /// <summary>The XxHash3 of everything written so far, in the form that manifests use.</summary>
    public string Hash => FileHash.Text(_hash.GetCurrentHashAsUInt64());

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        file.Write(buffer);
        _hash.Append(buffer);
        _length += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => file.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("the stream is for writing");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("the stream does not go back");

    public override void SetLength(long value) => throw new NotSupportedException("the stream does not go back");
}
