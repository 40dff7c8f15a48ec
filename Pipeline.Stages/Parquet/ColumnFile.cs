namespace Pipeline.Stages.Parquet;

/// <summary>What the footer says about a file: the leaves of its schema, the names of its top-level columns, and its row groups.</summary>
internal sealed record ColumnFile(IReadOnlyList<LeafColumn> Leaves, IReadOnlyList<string> ColumnNames, IReadOnlyList<RowGroupMetadata> RowGroups, long Rows);

/// <summary>A node of the schema.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Physical">The type of its values, or null if it is a group.</param>
/// <param name="Repetition">Whether it must occur, may occur, or occurs any number of times.</param>
/// <param name="Children">The number of nodes that it contains.</param>
/// <param name="IsText">Whether the schema says that its values are text.</param>
/// <param name="IsPlain">Whether the schema gives its values no other meaning, such as a date or a decimal, than signed numbers have.</param>
/// <param name="IsList">Whether the schema says that the group is a list.</param>
internal sealed record SchemaNode(string Name, PhysicalType? Physical, Repetition Repetition, int Children, bool IsText, bool IsPlain, bool IsList)
{
    /// <summary>
    /// Writes the node into a schema with a single leaf. The type of text is left out, so that the library returns bytes: whether they are UTF-8 is checked
    /// here.
    /// </summary>
    public void Write(CompactWriter writer)
    {
        if (Physical is { } physical)
            writer.Int32(1, (int)physical);
        writer.Int32(3, (int)Repetition).Text(4, Name);
        if (Physical is null)
            writer.Int32(5, 1);
        if (IsList)
            writer.Int32(6, 3);
    }
}

internal enum Repetition
{
    Required = 0,
    Optional = 1,
    Repeated = 2,
}

/// <summary>A leaf of the schema, which has the values of one column.</summary>
/// <param name="Index">Its index among the leaves. This is also the index of its column chunk in a row group.</param>
/// <param name="Nodes">The nodes from the top-level column down to the leaf.</param>
internal sealed record LeafColumn(int Index, SchemaNode[] Nodes)
{
    public IEnumerable<string> Path => Nodes.Select(n => n.Name);

    public string Top => Nodes[0].Name;

    public string Name => Nodes[^1].Name;

    public PhysicalType Physical { get; } = Nodes[^1].Physical!.Value;

    /// <summary>Whether the schema says that the bytes are text (STRING, UTF8, ENUM, JSON).</summary>
    public bool IsText { get; } = Nodes[^1].IsText;

    /// <summary>Whether the values are numbers or truth values, and not dates, decimals and the like.</summary>
    public bool IsNumberOrTruth { get; } = Nodes[^1] is { IsPlain: true, Physical: PhysicalType.Boolean or PhysicalType.Int32 or PhysicalType.Int64 or PhysicalType.Float or PhysicalType.Double };

    public int MaxRepetition { get; } = Nodes.Count(n => n.Repetition == Repetition.Repeated);

    public int MaxDefinition { get; } = Nodes.Count(n => n.Repetition != Repetition.Required);

    /// <summary>The smallest definition level at which the innermost repeated node has an element. 0 if no node is repeated.</summary>
    public int RepeatedDefinition { get; } = Nodes[..(Array.FindLastIndex(Nodes, n => n.Repetition == Repetition.Repeated) + 1)]
        .Count(n => n.Repetition != Repetition.Required);

    public SchemaNode[] SchemaWithRoot() => [new SchemaNode("root", null, Repetition.Required, 1, false, false, false), .. Nodes];

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

/// <summary>What the footer says about a column chunk, which is one column of one row group.</summary>
/// <param name="Codec">How its pages are compressed.</param>
/// <param name="Values">The number of its entries, nulls included.</param>
/// <param name="Start">The position of its first page in the file, in bytes.</param>
/// <param name="IsEncrypted">Whether its bytes need a key.</param>
internal sealed record ColumnChunkMetadata(ColumnCodec Codec, long Values, long Start, bool IsEncrypted);
