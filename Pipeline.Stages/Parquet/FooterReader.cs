namespace Pipeline.Stages.Parquet;

/// <summary>Reads the Thrift structs of a footer, as far as they are needed to read columns.</summary>
internal static class FooterReader
{
    private const int MaxSchemaDepth = 64;

    /// <summary>Reads a footer.</summary>
    /// <param name="footer">Its bytes.</param>
    /// <param name="dataEnd">The position in the file at which the footer begins and the pages end.</param>
    /// <exception cref="ColumnFormatException">The footer is damaged, or describes something that is not supported.</exception>
    public static ColumnFile Read(ReadOnlySpan<byte> footer, long dataEnd)
    {
        var reader = new CompactReader(footer);
        List<SchemaNode> schema = [];
        List<RowGroupMetadata> groups = [];
        long rows = -1;
        for (short id = 0; reader.NextField(ref id, out CompactType type);)
        {
            switch (id)
            {
                case 2:
                    for (int n = reader.List(type, out CompactType element); n > 0; n--)
                        schema.Add(ReadSchemaNode(ref reader, element));
                    break;
                case 3:
                    rows = reader.Int64(type);
                    break;
                case 4:
                    for (int n = reader.List(type, out CompactType element); n > 0; n--)
                        groups.Add(ReadRowGroup(ref reader, element, dataEnd));
                    break;
                case 8:
                    throw new ColumnFormatException("the file is encrypted; write it without encryption");
                default:
                    reader.Skip(type);
                    break;
            }
        }
        var leaves = new List<LeafColumn>();
        var names = new List<string>();
        ReadSchema(schema, leaves, names);
        long sum = 0;
        foreach (RowGroupMetadata group in groups)
        {
            if (group.Columns.Length != leaves.Count)
                throw new ColumnFormatException($"a row group has {group.Columns.Length} columns, the schema {leaves.Count}");
            sum = checked(sum + group.Rows);
        }
        return sum == rows
            ? new ColumnFile(leaves, names, groups, rows)
            : throw new ColumnFormatException($"the footer counts {rows} rows, its row groups {sum}");
    }

    private static void ReadSchema(List<SchemaNode> schema, List<LeafColumn> leaves, List<string> names)
    {
        if (schema.Count == 0)
            throw new ColumnFormatException("the footer has no schema");
        int next = 1;
        for (int i = 0; i < schema[0].Children; i++)
        {
            int top = next;
            ReadNode(schema, ref next, leaves, []);
            names.Add(schema[top].Name);
        }
        if (next != schema.Count)
            throw new ColumnFormatException($"the schema tree holds {next} nodes of {schema.Count}");
    }

    private static void ReadNode(List<SchemaNode> schema, ref int next, List<LeafColumn> leaves, SchemaNode[] path)
    {
        if (next >= schema.Count || path.Length >= MaxSchemaDepth)
            throw new ColumnFormatException("the schema tree does not fit its nodes");
        SchemaNode node = schema[next++];
        path = [.. path, node];
        if (node.Physical is not null)
            leaves.Add(new LeafColumn(leaves.Count, path));
        for (int i = 0; i < node.Children; i++)
            ReadNode(schema, ref next, leaves, path);
    }

    private static SchemaNode ReadSchemaNode(ref CompactReader reader, CompactType element)
    {
        const int ConvertedList = 3, LogicalList = 3, LogicalInteger = 10;
        string name = "";
        int? physical = null;
        int repetition = 0, children = 0, converted = -1, logical = 0;
        reader.EnterStruct(element);
        for (short id = 0; reader.NextField(ref id, out CompactType type);)
        {
            switch (id)
            {
                case 1:
                    physical = reader.Int32(type);
                    break;
                case 3:
                    repetition = reader.Int32(type);
                    break;
                case 4:
                    name = reader.Text(type);
                    break;
                case 5:
                    children = reader.Int32(type);
                    break;
                case 6:
                    converted = reader.Int32(type);
                    break;
                case 10:
                    logical = ReadLogicalType(ref reader, type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        reader.LeaveStruct();
        if (repetition is < 0 or > 2 || children < 0 || physical is < 0 or > 7)
            throw new ColumnFormatException($"schema node '{name}' has type {physical}, repetition {repetition} and {children} children");
        return new SchemaNode(
            name,
            children > 0 ? null : (PhysicalType?)physical,
            (Repetition)repetition,
            children,
            converted is 0 or 4 or 19 || logical is 1 or 4 or 12,
            // No further type, UINT_8, UINT_16, and INT_8 to INT_64. Larger unsigned numbers do not fit the signed ones that they are stored as.
            converted is -1 or 11 or 12 or (>= 15 and <= 18) && logical is 0 or LogicalInteger,
            converted == ConvertedList || logical == LogicalList);
    }

    // The logical type is a union. Its only field says which member it is.
    private static int ReadLogicalType(ref CompactReader reader, CompactType type)
    {
        int member = 0;
        reader.EnterStruct(type);
        for (short id = 0; reader.NextField(ref id, out CompactType field);)
        {
            member = id;
            reader.Skip(field);
        }
        reader.LeaveStruct();
        return member;
    }

    private static RowGroupMetadata ReadRowGroup(ref CompactReader reader, CompactType element, long dataEnd)
    {
        List<ColumnChunkMetadata> columns = [];
        long rows = -1;
        reader.EnterStruct(element);
        for (short id = 0; reader.NextField(ref id, out CompactType type);)
        {
            switch (id)
            {
                case 1:
                    for (int n = reader.List(type, out CompactType column); n > 0; n--)
                        columns.Add(ReadColumnChunk(ref reader, column, dataEnd));
                    break;
                case 3:
                    rows = reader.Int64(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        reader.LeaveStruct();
        return rows >= 0 ? new RowGroupMetadata(rows, [.. columns]) : throw new ColumnFormatException($"a row group of {rows} rows");
    }

    private static ColumnChunkMetadata ReadColumnChunk(ref CompactReader reader, CompactType element, long dataEnd)
    {
        ColumnChunkMetadata? chunk = null;
        bool isEncrypted = false;
        reader.EnterStruct(element);
        for (short id = 0; reader.NextField(ref id, out CompactType type);)
        {
            switch (id)
            {
                case 1:
                    throw new ColumnFormatException("a column's data is in another file, which is not supported; write one file");
                case 3:
                    chunk = ReadChunkMetadata(ref reader, type);
                    break;
                case 8 or 9:
                    isEncrypted = true;
                    reader.Skip(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        reader.LeaveStruct();
        if (isEncrypted || chunk is null)
            return new ColumnChunkMetadata(ColumnCodec.Uncompressed, 0, 0, true);
        return chunk.Values == 0 || (chunk.Start >= 4 && chunk.Start < dataEnd)
            ? chunk
            : throw new ColumnFormatException($"a column begins at byte {chunk.Start}, the data ends at byte {dataEnd}");
    }

    private static ColumnChunkMetadata ReadChunkMetadata(ref CompactReader reader, CompactType element)
    {
        int codec = 0;
        long values = -1, data = 0, dictionary = 0;
        reader.EnterStruct(element);
        for (short id = 0; reader.NextField(ref id, out CompactType type);)
        {
            switch (id)
            {
                case 4:
                    codec = reader.Int32(type);
                    break;
                case 5:
                    values = reader.Int64(type);
                    break;
                case 9:
                    data = reader.Int64(type);
                    break;
                case 11:
                    dictionary = reader.Int64(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        reader.LeaveStruct();
        if (values < 0)
            throw new ColumnFormatException($"a column of {values} values");
        // Some writers set the dictionary's offset to 0, or the data's offset to that of the dictionary.
        long start = dictionary > 0 && dictionary < data ? dictionary : data;
        return new ColumnChunkMetadata((ColumnCodec)codec, values, start, false);
    }
}
