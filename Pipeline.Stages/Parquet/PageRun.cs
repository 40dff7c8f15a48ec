using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Parquet;
using Parquet.Schema;

namespace Pipeline.Stages.Parquet;

/// <summary>
/// Puts some pages of a column chunk into a Parquet file of their own in memory, with one column, one row group and new headers, and has the library decode
/// it. Memory thus stays bounded, and the library parses no header that was not checked. That matters because its own parser loops without end on a
/// number that is cut off, and trusts every length.
/// </summary>
internal sealed class PageRun(LeafColumn leaf, ColumnCodec codec)
{
    private readonly ArrayBufferWriter<byte> _file = new();
    private readonly List<int> _encodings = [(int)ValueEncoding.Plain, (int)ValueEncoding.Rle];
    private readonly PageValues _values = PageValues.Of(leaf);
    private int[] _definitions = [];
    private int[] _repetitions = [];
    private long _dictionaryStart;
    private long _dataStart;

    /// <summary>The number of entries in the pages that were added.</summary>
    public int Count { get; private set; }

    /// <summary>The number of bytes of these pages, uncompressed.</summary>
    public int Bytes { get; private set; }

    public bool HasDictionary => _dictionaryStart > 0;

    public PageValues Values => _values;

    public ReadOnlySpan<int> Definitions => _definitions.AsSpan(0, Count);

    public ReadOnlySpan<int> Repetitions => _repetitions.AsSpan(0, Count);

    public void Begin()
    {
        _file.ResetWrittenCount();
        _file.Write("PAR1"u8);
        _dictionaryStart = 0;
        _dataStart = 0;
        Count = 0;
        Bytes = 0;
    }

    public void AddDictionary(PageHeader page, ReadOnlySpan<byte> body)
    {
        _dictionaryStart = _file.WrittenCount;
        new CompactWriter(_file).Fields(w => Sizes(w, page).Struct(7, d => d.Int32(1, page.Values).Int32(2, (int)ValueEncoding.Plain)));
        _file.Write(body);
        Bytes += page.Bytes;
    }

    public void Add(PageHeader page, ReadOnlySpan<byte> body)
    {
        if (_dataStart == 0)
            _dataStart = _file.WrittenCount;
        if (page.Kind == PageKind.Data)
        {
            new CompactWriter(_file).Fields(w => Sizes(w, page).Struct(5, d => d.Int32(1, page.Values).Int32(2, (int)page.Encoding)
                .Int32(3, (int)ValueEncoding.Rle).Int32(4, (int)ValueEncoding.Rle)));
        }
        else
        {
            // A page of only nulls stores no data. It must not be called compressed, because no codec has an empty form.
            bool isCompressed = page.IsCompressed && page.CompressedBytes > page.DefinitionBytes + page.RepetitionBytes;
            new CompactWriter(_file).Fields(w => Sizes(w, page).Struct(8, d => d.Int32(1, page.Values).Int32(2, page.Nulls).Int32(3, page.Values)
                .Int32(4, (int)page.Encoding).Int32(5, page.DefinitionBytes).Int32(6, page.RepetitionBytes).Boolean(7, isCompressed)));
        }
        _file.Write(body);
        Count = checked(Count + page.Values);
        Bytes += page.Bytes;
    }

    /// <summary>Decodes the pages that were added.</summary>
    /// <exception cref="ColumnFormatException">They cannot be decoded, or have another number of values than their levels say.</exception>
    public void Decode()
    {
        WriteFooter();
        Grow();
        try
        {
            // Everything is in memory, so this does not block.
            ReadAsync().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not (OutOfMemoryException or ColumnFormatException))
        {
            throw new ColumnFormatException($"its pages cannot be decoded ({e.GetType().Name}: {e.Message})", e);
        }
        int defined = leaf.MaxDefinition == 0 ? Count : Definitions.Count(leaf.MaxDefinition);
        if (_values.KnowsUnread && ((defined > 0 && _values.IsUnread(defined - 1)) || (defined < Count && !_values.IsUnread(defined))))
            throw new ColumnFormatException("its pages hold more or fewer values than their levels say");
    }

    private async Task ReadAsync()
    {
        MemoryMarshal.TryGetArray(_file.WrittenMemory, out ArraySegment<byte> file);
        using var stream = new EndingStream(file.Array!, file.Count);
        await using ParquetReader reader = await ParquetReader.CreateAsync(stream);
        DataField field = reader.Schema.DataFields[0];
        if (field.MaxDefinitionLevel != leaf.MaxDefinition || field.MaxRepetitionLevel != leaf.MaxRepetition)
            throw new ColumnFormatException($"its lists and structs are laid out in a way that is not supported ({leaf})");
        await _values.ReadAsync(
            reader.OpenRowGroupReader(0),
            field,
            Count,
            leaf.MaxDefinition > 0 ? _definitions.AsMemory(0, Count) : (Memory<int>?)null,
            leaf.MaxRepetition > 0 ? _repetitions.AsMemory(0, Count) : (Memory<int>?)null);
    }

    private void Grow()
    {
        if (Math.Max(_definitions.Length, _repetitions.Length) < Count)
        {
            _definitions = new int[leaf.MaxDefinition > 0 ? Count : 0];
            _repetitions = new int[leaf.MaxRepetition > 0 ? Count : 0];
        }
        _values.Begin(Count);
    }

    private static CompactWriter Sizes(CompactWriter writer, PageHeader page)
        => writer.Int32(1, (int)page.Kind).Int32(2, page.Bytes).Int32(3, page.CompressedBytes);

    private void WriteFooter()
    {
        long start = _file.WrittenCount;
        string[] path = [.. leaf.Nodes.Select(n => n.Name)];
        new CompactWriter(_file).Fields(w => w
            .Int32(1, 1)
            .Structs(2, leaf.SchemaWithRoot(), (s, node) => node.Write(s))
            .Int64(3, Count)
            .Structs(4, [0], (g, _) => g
                .Structs(1, [0], (c, _) => c.Int64(2, _dataStart).Struct(3, m =>
                {
                    m.Int32(1, (int)leaf.Physical).Int32s(2, _encodings).Texts(3, path).Int32(4, (int)codec).Int64(5, Count)
                        .Int64(6, Bytes).Int64(7, start - 4).Int64(9, _dataStart);
                    if (_dictionaryStart > 0)
                        m.Int64(11, _dictionaryStart);
                }))
                .Int64(2, Bytes)
                .Int64(3, Count)));
        Span<byte> tail = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(tail, _file.WrittenCount - (int)start);
        "PAR1"u8.CopyTo(tail[4..]);
        _file.Write(tail);
    }

    /// <summary>
    /// A stream that throws at its end. The library would read the byte 0xFF there again and again, and a number made of such bytes never ends.
    /// </summary>
    private sealed class EndingStream(byte[] buffer, int count) : MemoryStream(buffer, 0, count, writable: false)
    {
        public override int ReadByte()
        {
            int value = base.ReadByte();
            return value >= 0 ? value : throw new EndOfStreamException("the pages end too early");
        }
    }
}
