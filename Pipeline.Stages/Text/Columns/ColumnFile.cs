namespace Pipeline.Stages.Text.Columns;

/// <summary>What the footer says of a file: the leaves of its schema and its row groups.</summary>
internal sealed record ColumnFile(IReadOnlyList<LeafColumn> Leaves, IReadOnlyList<string> ColumnNames, IReadOnlyList<RowGroupMetadata> RowGroups, long Rows);

/// <summary>A leaf of the schema, or what of it matters for text.</summary>
/// <param name="Index">Its place among the leaves, which is its column chunk's place in a row group.</param>
/// <param name="Path">Names from the top-level column down.</param>
/// <param name="Physical">How values are stored.</param>
/// <param name="IsText">Whether the schema says that the bytes are text (STRING, UTF8, ENUM, JSON).</param>
/// <param name="MaxRepetition">Repeated nodes on the path.</param>
/// <param name="MaxDefinition">Optional and repeated nodes on the path.</param>
/// <param name="RepeatedDefinition">The definition level from which on the innermost repeated node has an element; 0 when none is repeated.</param>
/// <param name="TopIsOptional">Whether the top-level column can be null.</param>
internal sealed record LeafColumn(
    int Index, string[] Path, PhysicalType Physical, bool IsText, int MaxRepetition, int MaxDefinition, int RepeatedDefinition, bool TopIsOptional)
{
    public override string ToString() => string.Join('.', Path);
}

internal enum PhysicalType
{
    Boolean = 0,
    Int32 = 1,
    Int64 = 2,
    Int96 = 3,
    Float = 4,
    Double = 5,
    ByteArray = 6,
    FixedLengthByteArray = 7,
}

internal enum ColumnCodec
{
    Uncompressed = 0,
    Snappy = 1,
    Gzip = 2,
    Lzo = 3,
    Brotli = 4,
    Lz4Framed = 5,
    Zstd = 6,
    Lz4 = 7,
}

internal sealed record RowGroupMetadata(long Rows, ColumnChunkMetadata[] Columns);

/// <param name="Start">Position in the file of the chunk's first page.</param>
/// <param name="IsEncrypted">Its bytes need a key.</param>
internal sealed record ColumnChunkMetadata(ColumnCodec Codec, long Values, long Start, bool IsEncrypted);
