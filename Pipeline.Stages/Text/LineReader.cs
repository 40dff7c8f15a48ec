namespace Pipeline.Stages.Text;

/// <summary>Reads the lines of a stream, without their ends. A line that is longer than the limit is skipped and not kept in memory.</summary>
internal sealed class LineReader(Stream text, string path, int maxLineBytes)
{
    private const int FirstBufferBytes = 1 << 16;

    private byte[] _buffer = new byte[FirstBufferBytes];
    private int _start;
    private int _end;
    private bool _isAtEnd;

    /// <summary>Whether the current line is longer than the limit. <see cref="Line"/> is then empty.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>The current line. Valid until the next call of <see cref="Next"/>.</summary>
    public ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>Goes to the next line. False after the last one.</summary>
    public bool Next()
    {
        IsTooLong = false;
        for (int searched = 0; ;)
        {
            int at = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (at >= 0)
                return Take(searched + at, 1);
            searched = _end - _start;
            if (searched > maxLineBytes)
            {
                IsTooLong = true;
                _start = _end;
                searched = 0;
            }
            if (!Fill())
                return (searched > 0 || IsTooLong) && Take(searched, 0);
        }
    }

    private bool Take(int length, int ending)
    {
        IsTooLong |= length > maxLineBytes;
        int shown = length > 0 && _buffer[_start + length - 1] == '\r' ? length - 1 : length;
        Line = IsTooLong ? ReadOnlyMemory<byte>.Empty : _buffer.AsMemory(_start, shown);
        _start += length + ending;
        return true;
    }

    private bool Fill()
    {
        if (_isAtEnd)
            return false;
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, (int)Math.Min((long)_buffer.Length * 2, maxLineBytes + (long)FirstBufferBytes));
        int read = LineCompression.Read(text, _buffer.AsSpan(_end), path);
        _end += read;
        _isAtEnd = read == 0;
        return read > 0;
    }
}
