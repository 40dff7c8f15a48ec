using System.Buffers.Binary;

namespace Pipeline.Stages.Text.Columns;

/// <summary>
/// The hybrid of run lengths and bit packing, one value at a time: a few bytes can stand for billions of values, so nothing is
/// allocated by a count that the file gives.
/// </summary>
internal sealed class HybridDecoder
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly int _bitWidth;
    private int _position;
    private long _left;
    private bool _isPacked;
    private uint _value;
    private long _bit;

    public HybridDecoder(ReadOnlyMemory<byte> bytes, int bitWidth)
    {
        if (bitWidth is < 0 or > 32)
            throw new ColumnFormatException($"values of {bitWidth} bits");
        _bytes = bytes;
        _bitWidth = bitWidth;
    }

    public uint Next()
    {
        if (_bitWidth == 0)
            return 0;
        while (_left == 0)
            NextRun();
        _left--;
        if (!_isPacked)
            return _value;
        uint value = Bits.Read(_bytes.Span, _bit, _bitWidth);
        _bit += _bitWidth;
        return value;
    }

    private void NextRun()
    {
        ReadOnlySpan<byte> bytes = _bytes.Span;
        ulong header = Bits.VarInt(bytes, ref _position);
        ulong count = header >> 1;
        _isPacked = (header & 1) != 0;
        if (_isPacked)
        {
            // The last run of a page may be cut after its last value, so only what is read is checked against the end.
            count = Math.Min(count, (ulong)bytes.Length + 1);
            _left = (long)count * 8;
            _bit = (long)_position * 8;
            _position = (int)Math.Min(bytes.Length, _position + ((long)count * _bitWidth));
            return;
        }
        int width = (_bitWidth + 7) / 8;
        if (bytes.Length - _position < width)
            throw new ColumnFormatException("a run of levels or indices ends too early");
        Span<byte> value = stackalloc byte[4];
        value.Clear();
        bytes.Slice(_position, width).CopyTo(value);
        _value = BinaryPrimitives.ReadUInt32LittleEndian(value);
        _position += width;
        _left = (long)Math.Min(count, long.MaxValue);
    }
}
