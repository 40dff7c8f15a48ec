using System.Buffers;
using System.Text;

namespace Pipeline.Stages.Parquet;

/// <summary>Writes Thrift's compact protocol. The fields of a struct must be written in ascending order.</summary>
internal sealed class CompactWriter(ArrayBufferWriter<byte> to)
{
    private readonly Stack<short> _outer = new();
    private short _last;

    public CompactWriter Int32(short id, int value) => Integer(id, CompactType.I32, value);

    public CompactWriter Int64(short id, long value) => Integer(id, CompactType.I64, value);

    public CompactWriter Boolean(short id, bool value)
    {
        Header(id, value ? CompactType.True : CompactType.False);
        return this;
    }

    public CompactWriter Text(short id, string value)
    {
        Header(id, CompactType.Binary);
        Bytes(value);
        return this;
    }

    public CompactWriter Struct(short id, Action<CompactWriter> fields)
    {
        Header(id, CompactType.Struct);
        return Fields(fields);
    }

    public CompactWriter Structs<T>(short id, IReadOnlyCollection<T> items, Action<CompactWriter, T> fields)
    {
        ListHeader(id, items.Count, CompactType.Struct);
        foreach (T item in items)
            Fields(w => fields(w, item));
        return this;
    }

    public CompactWriter Texts(short id, IReadOnlyCollection<string> items)
    {
        ListHeader(id, items.Count, CompactType.Binary);
        foreach (string item in items)
            Bytes(item);
        return this;
    }

    public CompactWriter Int32s(short id, IReadOnlyCollection<int> items)
    {
        ListHeader(id, items.Count, CompactType.I32);
        foreach (int item in items)
            ZigZag(item);
        return this;
    }

    /// <summary>Writes the fields of a struct that is not itself a field, and the mark at its end.</summary>
    public CompactWriter Fields(Action<CompactWriter> fields)
    {
        _outer.Push(_last);
        _last = 0;
        fields(this);
        Byte((byte)CompactType.Stop);
        _last = _outer.Pop();
        return this;
    }

    private CompactWriter Integer(short id, CompactType type, long value)
    {
        Header(id, type);
        ZigZag(value);
        return this;
    }

    private void ListHeader(short id, int count, CompactType element)
    {
        Header(id, CompactType.List);
        Byte((byte)(0xf0 | (int)element));
        VarInt((ulong)count);
    }

    private void Header(short id, CompactType type)
    {
        Byte((byte)(((id - _last) << 4) | (int)type));
        _last = id;
    }

    private void Byte(byte value) => to.Write([value]);

    private void Bytes(string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        VarInt((ulong)bytes.Length);
        to.Write(bytes);
    }

    private void ZigZag(long value) => VarInt((ulong)((value << 1) ^ (value >> 63)));

    private void VarInt(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            Byte((byte)(value | 0x80));
        Byte((byte)value);
    }
}
