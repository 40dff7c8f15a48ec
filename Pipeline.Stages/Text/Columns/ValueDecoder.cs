using System.Buffers.Binary;

namespace Pipeline.Stages.Text.Columns;

/// <summary>The byte arrays of one page, in order. A span is good until the next call.</summary>
internal abstract class ValueDecoder
{
    public abstract ReadOnlySpan<byte> Next();

    public static ValueDecoder Create(ValueEncoding encoding, ReadOnlyMemory<byte> bytes, Func<ByteArrayDictionary> dictionary) => encoding switch
    {
        ValueEncoding.Plain => new PlainDecoder(bytes),
        ValueEncoding.PlainDictionary or ValueEncoding.RleDictionary => new DictionaryDecoder(bytes, dictionary()),
        ValueEncoding.DeltaLengthByteArray => new DeltaLengthDecoder(bytes),
        ValueEncoding.DeltaByteArray => new DeltaByteArrayDecoder(bytes),
        _ => throw new ColumnFormatException($"encoding {encoding}, which text columns are not written in"),
    };
}

internal sealed class PlainDecoder(ReadOnlyMemory<byte> bytes) : ValueDecoder
{
    private int _position;

    public override ReadOnlySpan<byte> Next()
    {
        ReadOnlySpan<byte> rest = bytes.Span[_position..];
        if (rest.Length < sizeof(int))
            throw new ColumnFormatException("a page holds fewer values than its header says");
        int length = BinaryPrimitives.ReadInt32LittleEndian(rest);
        if (length < 0 || length > rest.Length - sizeof(int))
            throw new ColumnFormatException($"a value of {length} bytes where {rest.Length - sizeof(int)} are left");
        _position += sizeof(int) + length;
        return rest.Slice(sizeof(int), length);
    }
}

/// <summary>A dictionary page: the distinct values of a column chunk.</summary>
internal sealed class ByteArrayDictionary
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly int[] _starts;

    public ByteArrayDictionary(ReadOnlyMemory<byte> bytes, int count)
    {
        if (count > bytes.Length / sizeof(int))
            throw new ColumnFormatException($"a dictionary of {count} values in {bytes.Length} bytes");
        _bytes = bytes;
        _starts = new int[count];
        var values = new PlainDecoder(bytes);
        for (int i = 0, at = 0; i < count; i++)
        {
            _starts[i] = at;
            at += sizeof(int) + values.Next().Length;
        }
    }

    public ReadOnlySpan<byte> this[uint index]
    {
        get
        {
            if (index >= (uint)_starts.Length)
                throw new ColumnFormatException($"index {index} into a dictionary of {_starts.Length} values");
            ReadOnlySpan<byte> entry = _bytes.Span[_starts[index]..];
            return entry.Slice(sizeof(int), BinaryPrimitives.ReadInt32LittleEndian(entry));
        }
    }
}

internal sealed class DictionaryDecoder : ValueDecoder
{
    private readonly ByteArrayDictionary _dictionary;
    private readonly HybridDecoder _indices;

    public DictionaryDecoder(ReadOnlyMemory<byte> bytes, ByteArrayDictionary dictionary)
    {
        _dictionary = dictionary;
        if (bytes.IsEmpty)
            throw new ColumnFormatException("a page of dictionary indices without its bit width");
        _indices = new HybridDecoder(bytes[1..], bytes.Span[0]);
    }

    public override ReadOnlySpan<byte> Next() => _dictionary[_indices.Next()];
}

internal sealed class DeltaLengthDecoder : ValueDecoder
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly DeltaDecoder _lengths;
    private int _position;

    public DeltaLengthDecoder(ReadOnlyMemory<byte> bytes)
    {
        _bytes = bytes;
        _lengths = new DeltaDecoder(bytes);
        _position = _lengths.End();
    }

    public override ReadOnlySpan<byte> Next()
    {
        long length = _lengths.Next();
        if (length < 0 || length > _bytes.Length - _position)
            throw new ColumnFormatException($"a value of {length} bytes where {_bytes.Length - _position} are left");
        ReadOnlySpan<byte> value = _bytes.Span.Slice(_position, (int)length);
        _position += (int)length;
        return value;
    }
}

internal sealed class DeltaByteArrayDecoder : ValueDecoder
{
    private readonly DeltaDecoder _prefixes;
    private readonly DeltaLengthDecoder _suffixes;
    private readonly int _limit;
    private byte[] _value = [];
    private int _length;

    public DeltaByteArrayDecoder(ReadOnlyMemory<byte> bytes)
    {
        _prefixes = new DeltaDecoder(bytes);
        _suffixes = new DeltaLengthDecoder(bytes[_prefixes.End()..]);
        // A value is made of bytes that the page holds, each taken once or shared with the value before it.
        _limit = bytes.Length;
    }

    public override ReadOnlySpan<byte> Next()
    {
        long prefix = _prefixes.Next();
        ReadOnlySpan<byte> suffix = _suffixes.Next();
        if (prefix < 0 || prefix > _length || prefix + suffix.Length > _limit)
            throw new ColumnFormatException($"a value shares {prefix} bytes with one of {_length} bytes");
        int length = (int)prefix + suffix.Length;
        if (length > _value.Length)
            Array.Resize(ref _value, Math.Max(length, Math.Min(_limit, _value.Length * 2)));
        suffix.CopyTo(_value.AsSpan((int)prefix));
        _length = length;
        return _value.AsSpan(0, length);
    }
}
