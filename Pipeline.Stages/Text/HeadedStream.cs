namespace Pipeline.Stages.Text;

/// <summary>A stream whose first bytes can be looked at before it is read. The stream under it stays open.</summary>
internal sealed class HeadedStream : ForwardStream
{
    private const int HeadBytes = 64;

    private readonly Stream _inner;
    private readonly byte[] _head = new byte[HeadBytes];
    private readonly int _length;
    private int _given;

    public HeadedStream(Stream inner)
    {
        _inner = inner;
        _length = inner.ReadAtLeast(_head, HeadBytes, throwOnEndOfStream: false);
    }

    public ReadOnlySpan<byte> Head => _head.AsSpan(0, _length);

    public override int Read(Span<byte> buffer)
    {
        if (_given == _length)
            return _inner.Read(buffer);
        int count = Math.Min(buffer.Length, _length - _given);
        _head.AsSpan(_given, count).CopyTo(buffer);
        _given += count;
        return count;
    }
}
