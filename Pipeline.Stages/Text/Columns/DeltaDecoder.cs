namespace Pipeline.Stages.Text.Columns;

/// <summary>DELTA_BINARY_PACKED integers, one at a time.</summary>
internal sealed class DeltaDecoder
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly int _blockValues;
    private readonly int _miniBlocks;
    private readonly int _valuesPerMini;
    private readonly int _blocksStart;
    private long _left;
    private long _current;
    private bool _first = true;
    private int _position;
    private int _widths;
    private int _mini;
    private int _inMini;
    private long _minimum;
    private long _bit;

    public DeltaDecoder(ReadOnlyMemory<byte> bytes)
    {
        _bytes = bytes;
        ReadOnlySpan<byte> span = bytes.Span;
        ulong block = Bits.VarInt(span, ref _position);
        ulong minis = Bits.VarInt(span, ref _position);
        ulong count = Bits.VarInt(span, ref _position);
        if (block is 0 or > 1 << 20 || block % 8 != 0 || minis is 0 or > 4096 || block % minis != 0 || block / minis % 8 != 0 || count > int.MaxValue)
            throw new ColumnFormatException($"delta blocks of {block} values in {minis} parts, {count} values in all");
        _blockValues = (int)block;
        _miniBlocks = (int)minis;
        _valuesPerMini = _blockValues / _miniBlocks;
        Count = (int)count;
        _left = Count;
        _current = Bits.ZigZag(span, ref _position);
        _blocksStart = _position;
        _mini = _miniBlocks;
    }

    public int Count { get; }

    /// <summary>Where the bytes of these integers end, and what was encoded behind them begins.</summary>
    public int End()
    {
        ReadOnlySpan<byte> span = _bytes.Span;
        int position = _blocksStart;
        for (long left = Count - 1L; left > 0; left -= _blockValues)
        {
            Bits.ZigZag(span, ref position);
            int widths = position;
            long next = position + _miniBlocks;
            for (int mini = 0; mini < _miniBlocks && (long)mini * _valuesPerMini < left; mini++)
                next += (long)Width(span, widths + mini) * _valuesPerMini / 8;
            if (next > span.Length)
                throw new ColumnFormatException("delta values end too early");
            position = (int)next;
        }
        return position;
    }

    public long Next()
    {
        if (_left-- <= 0)
            throw new ColumnFormatException("more values than the delta header says");
        if (_first)
        {
            _first = false;
            return _current;
        }
        ReadOnlySpan<byte> span = _bytes.Span;
        if (_inMini == 0)
            NextMini(span);
        int width = Width(span, _widths + _mini);
        _current += _minimum + (long)Bits.ReadLong(span, _bit, width);
        _bit += width;
        if (++_inMini == _valuesPerMini)
        {
            _position = (int)Math.Min(span.Length, _bit / 8);
            _inMini = 0;
            _mini++;
        }
        return _current;
    }

    private void NextMini(ReadOnlySpan<byte> span)
    {
        if (_mini >= _miniBlocks)
        {
            _minimum = Bits.ZigZag(span, ref _position);
            _widths = _position;
            _position = (int)Math.Min(span.Length, (long)_position + _miniBlocks);
            _mini = 0;
        }
        _bit = (long)_position * 8;
    }

    private static int Width(ReadOnlySpan<byte> span, int at)
    {
        int width = at < span.Length ? span[at] : throw new ColumnFormatException("delta widths end too early");
        return width <= 64 ? width : throw new ColumnFormatException($"delta values of {width} bits");
    }
}
