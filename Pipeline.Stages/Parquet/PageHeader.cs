namespace Pipeline.Stages.Parquet;

internal enum PageKind
{
    Data = 0,
    Index = 1,
    Dictionary = 2,
    DataV2 = 3,
}

internal enum ValueEncoding
{
    Plain = 0,
    PlainDictionary = 2,
    Rle = 3,
    BitPacked = 4,
    DeltaBinaryPacked = 5,
    DeltaLengthByteArray = 6,
    DeltaByteArray = 7,
    RleDictionary = 8,
    ByteStreamSplit = 9,
}

/// <summary>The header of a page. Sizes are those of the page's body, in bytes.</summary>
internal sealed record PageHeader(PageKind Kind, int CompressedBytes, int Bytes, uint? Crc)
{
    public int Values { get; private init; }

    /// <summary>The number of nulls. Only pages of version 2 say it.</summary>
    public int Nulls { get; private init; }

    public ValueEncoding Encoding { get; private init; }

    public ValueEncoding DefinitionEncoding { get; private init; } = ValueEncoding.Rle;

    public int DefinitionBytes { get; private init; }

    public int RepetitionBytes { get; private init; }

    /// <summary>Whether what comes after the levels is compressed. Only a page of version 2 can say no.</summary>
    public bool IsCompressed { get; init; } = true;

    /// <summary>Reads a header.</summary>
    /// <param name="bytes">Bytes that begin with it.</param>
    /// <param name="length">The number of bytes that it takes.</param>
    /// <exception cref="ColumnFormatException">The header is damaged, or the bytes end within it (<see cref="ColumnFormatException.IsCut"/>).</exception>
    public static PageHeader Read(ReadOnlySpan<byte> bytes, out int length)
    {
        var reader = new CompactReader(bytes);
        int kind = -1, compressed = -1, uncompressed = -1;
        uint? crc = null;
        PageHeader? detail = null;
        for (short id = 0; reader.NextField(ref id, out CompactType type);)
        {
            switch (id)
            {
                case 1:
                    kind = reader.Int32(type);
                    break;
                case 2:
                    uncompressed = reader.Int32(type);
                    break;
                case 3:
                    compressed = reader.Int32(type);
                    break;
                case 4:
                    crc = (uint)reader.Int32(type);
                    break;
                case 5 or 7:
                    detail = ReadDetail(ref reader, type);
                    break;
                case 8:
                    detail = ReadDetailV2(ref reader, type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        length = reader.Position;
        if (compressed < 0 || uncompressed < 0 || kind is < 0 or > 3)
            throw new ColumnFormatException($"a page of kind {kind} with {compressed} bytes for {uncompressed}");
        if (detail is null)
        {
            return kind == (int)PageKind.Index
                ? new PageHeader(PageKind.Index, compressed, uncompressed, crc)
                : throw new ColumnFormatException("a page without its own header");
        }
        if (detail.Values < 0 || detail.Nulls < 0 || detail.Nulls > detail.Values || detail.DefinitionBytes < 0 || detail.RepetitionBytes < 0
            || (long)detail.DefinitionBytes + detail.RepetitionBytes > Math.Min(compressed, uncompressed))
        {
            throw new ColumnFormatException($"a page of {detail.Values} values whose levels take more bytes than it has");
        }
        return detail with { Kind = (PageKind)kind, CompressedBytes = compressed, Bytes = uncompressed, Crc = crc };
    }

    private static PageHeader ReadDetail(ref CompactReader reader, CompactType element)
    {
        int values = -1, encoding = 0, definition = (int)ValueEncoding.Rle;
        reader.EnterStruct(element);
        for (short id = 0; reader.NextField(ref id, out CompactType type);)
        {
            switch (id)
            {
                case 1:
                    values = reader.Int32(type);
                    break;
                case 2:
                    encoding = reader.Int32(type);
                    break;
                case 3 when type == CompactType.I32:
                    definition = reader.Int32(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        reader.LeaveStruct();
        return new PageHeader(PageKind.Data, 0, 0, null)
        {
            Values = values,
            Encoding = (ValueEncoding)encoding,
            DefinitionEncoding = (ValueEncoding)definition,
        };
    }

    private static PageHeader ReadDetailV2(ref CompactReader reader, CompactType element)
    {
        int values = -1, nulls = 0, encoding = 0, definitionBytes = 0, repetitionBytes = 0;
        bool isCompressed = true;
        reader.EnterStruct(element);
        for (short id = 0; reader.NextField(ref id, out CompactType type);)
        {
            switch (id)
            {
                case 1:
                    values = reader.Int32(type);
                    break;
                case 2:
                    nulls = reader.Int32(type);
                    break;
                case 4:
                    encoding = reader.Int32(type);
                    break;
                case 5:
                    definitionBytes = reader.Int32(type);
                    break;
                case 6:
                    repetitionBytes = reader.Int32(type);
                    break;
                case 7:
                    isCompressed = CompactReader.Boolean(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        reader.LeaveStruct();
        return new PageHeader(PageKind.DataV2, 0, 0, null)
        {
            Values = values,
            Nulls = nulls,
            Encoding = (ValueEncoding)encoding,
            DefinitionBytes = definitionBytes,
            RepetitionBytes = repetitionBytes,
            IsCompressed = isCompressed,
        };
    }
}
