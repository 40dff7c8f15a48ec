using System.Text;

namespace Pipeline.Stages.Parquet;

/// <summary>
/// Reads Thrift's compact protocol from untrusted bytes: every read checks the end of the bytes and the expected type, lists cannot be longer than the
/// bytes that are left, and nesting is limited.
/// </summary>
internal ref struct CompactReader(ReadOnlySpan<byte> bytes)
{
    private const int MaxDepth = 32;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _position;
    private int _depth;

    public readonly int Position => _position;

    /// <summary>Reads the header of a struct's next field. False at the end of the struct.</summary>
    /// <param name="id">The number of the previous field, which becomes that of this one; 0 before the first.</param>
    /// <param name="type">The type of the field.</param>
    public bool NextField(ref short id, out CompactType type)
    {
        byte header = NextByte();
        type = (CompactType)(header & 0x0f);
        if (type == CompactType.Stop)
            return false;
        int step = header >> 4;
        int next = step == 0 ? (int)ZigZag() : id + step;
        if (next is < 0 or > short.MaxValue)
            throw new ColumnFormatException($"field number {next}");
        id = (short)next;
        return true;
    }

    public static bool Boolean(CompactType type) => type switch
    {
        CompactType.True => true,
        CompactType.False => false,
        _ => throw Unexpected(type, "a boolean"),
    };

    public int Int32(CompactType type)
    {
        long value = Int64(type);
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw new ColumnFormatException($"{value}, which does not fit into 32 bits");
    }

    public long Int64(CompactType type) => type switch
    {
        CompactType.I16 or CompactType.I32 or CompactType.I64 => ZigZag(),
        CompactType.Byte => (sbyte)NextByte(),
        _ => throw Unexpected(type, "an integer"),
    };

    public string Text(CompactType type) => Encoding.UTF8.GetString(Binary(type));

    public ReadOnlySpan<byte> Binary(CompactType type)
    {
        if (type != CompactType.Binary)
            throw Unexpected(type, "a string");
        ulong length = VarInt();
        if (length > (ulong)(_bytes.Length - _position))
            throw Cut();
        ReadOnlySpan<byte> value = _bytes.Slice(_position, (int)length);
        _position += (int)length;
        return value;
    }

    /// <summary>Reads the header of a list. Each element takes at least one byte, so the number of bytes left limits what a caller allocates.</summary>
    public int List(CompactType type, out CompactType element)
    {
        if (type is not (CompactType.List or CompactType.Set))
            throw Unexpected(type, "a list");
        byte header = NextByte();
        element = (CompactType)(header & 0x0f);
        ulong size = (ulong)(header >> 4);
        if (size == 15)
            size = VarInt();
        return size <= (ulong)(_bytes.Length - _position) ? (int)size : throw Cut();
    }

    public void EnterStruct(CompactType type)
    {
        if (type != CompactType.Struct)
            throw Unexpected(type, "a struct");
        if (++_depth > MaxDepth)
            throw new ColumnFormatException($"structs nested deeper than {MaxDepth}");
    }

    public void LeaveStruct() => _depth--;

    public void Skip(CompactType type)
    {
        switch (type)
        {
            case CompactType.True or CompactType.False:
                break;
            case CompactType.Byte:
                NextByte();
                break;
            case CompactType.I16 or CompactType.I32 or CompactType.I64:
                VarInt();
                break;
            case CompactType.Double:
                Advance(sizeof(double));
                break;
            case CompactType.Uuid:
                Advance(16);
                break;
            case CompactType.Binary:
                Binary(type);
                break;
            case CompactType.List or CompactType.Set:
                SkipList(type);
                break;
            case CompactType.Map:
                SkipMap();
                break;
            case CompactType.Struct:
                EnterStruct(type);
                for (short id = 0; NextField(ref id, out CompactType field);)
                    Skip(field);
                LeaveStruct();
                break;
            default:
                throw new ColumnFormatException($"type {(int)type}, which the protocol does not have");
        }
    }

    private void SkipList(CompactType type)
    {
        int count = List(type, out CompactType element);
        Deepen();
        for (int i = 0; i < count; i++)
            SkipElement(element);
        _depth--;
    }

    private void SkipMap()
    {
        ulong count = VarInt();
        if (count == 0)
            return;
        if (count > (ulong)(_bytes.Length - _position))
            throw Cut();
        byte types = NextByte();
        Deepen();
        for (ulong i = 0; i < count; i++)
        {
            SkipElement((CompactType)(types >> 4));
            SkipElement((CompactType)(types & 0x0f));
        }
        _depth--;
    }

    // A boolean has its value in the field's header, but in a list it takes a byte of its own.
    private void SkipElement(CompactType type)
    {
        if (type is CompactType.True or CompactType.False)
            NextByte();
        else
            Skip(type);
    }

    private void Deepen()
    {
        if (++_depth > MaxDepth)
            throw new ColumnFormatException($"lists nested deeper than {MaxDepth}");
    }

    private void Advance(int count)
    {
        if (count > _bytes.Length - _position)
            throw Cut();
        _position += count;
    }

    private byte NextByte() => _position < _bytes.Length ? _bytes[_position++] : throw Cut();

    private long ZigZag()
    {
        ulong value = VarInt();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    private ulong VarInt()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = NextByte();
            value |= (ulong)(next & 0x7f) << shift;
            if ((next & 0x80) == 0)
                return value;
        }
        throw new ColumnFormatException("a number longer than 64 bits");
    }

    private static ColumnFormatException Cut() => new("it ends in the middle", isCut: true);

    private static ColumnFormatException Unexpected(CompactType found, string expected) => new($"type {found} where {expected} is expected");
}
