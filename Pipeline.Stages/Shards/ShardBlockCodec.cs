using System.Buffers.Binary;
using System.IO.Hashing;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using ZstdSharp;

namespace Pipeline.Stages.Shards;

/// <summary>Turns blocks into bytes and back. A block has a head, a table of its columns, and one zstd frame for each column.</summary>
internal static class ShardBlockCodec
{
    /// <summary>Encodes a block. The same records always give the same bytes.</summary>
    /// <param name="block">The records. They are not changed.</param>
    /// <param name="offset">
    /// Where the block will be in its shard. It is part of the block's hash, so that a block in the wrong place is noticed.
    /// </param>
    /// <param name="compressor">A zstd compressor with a fixed level and a single thread.</param>
    /// <param name="buffer">Takes the bytes. It is replaced if it is too small, and can be used again.</param>
    /// <param name="parts">The sizes by <see cref="ShardPart"/>. The block's are added.</param>
    /// <returns>The number of bytes at the beginning of <paramref name="buffer"/> that are the block.</returns>
    public static int Encode(ExampleBlockEncoder block, long offset, Compressor compressor, ref byte[] buffer, PartBytes[] parts)
    {
        int columns = block.ColumnCount, tableBytes = columns * ShardFormat.ColumnEntryBytes;
        int most = ShardFormat.BlockHeadBytes + tableBytes;
        for (int column = 0; column < columns; column++)
            most = checked(most + Compressor.GetCompressBound(block.Column(column).Length));
        if (buffer.Length < most)
            buffer = new byte[most];

        int position = ShardFormat.BlockHeadBytes + tableBytes;
        for (int column = 0; column < columns; column++)
        {
            ReadOnlySpan<byte> raw = block.Column(column).Span;
            int stored = compressor.Wrap(raw, buffer.AsSpan(position));
            Span<byte> entry = buffer.AsSpan(ShardFormat.BlockHeadBytes + (column * ShardFormat.ColumnEntryBytes), ShardFormat.ColumnEntryBytes);
            BinaryPrimitives.WriteInt32LittleEndian(entry, column);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], raw.Length);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], stored);
            position += stored;
            parts[(int)ExampleColumns.PartOf(column)] += new PartBytes(0, stored + ShardFormat.ColumnEntryBytes);
        }
        for (int part = 0; part < parts.Length; part++)
            parts[part] += new PartBytes(block.RawBytes[part], 0);
        // The head belongs to no column. It is counted with the ids so that the parts add up to the blocks, and not with the text, because sizes
        // without text are reported.
        parts[(int)ShardPart.Ids] += new PartBytes(0, ShardFormat.BlockHeadBytes);

        Span<byte> head = buffer.AsSpan(0, ShardFormat.BlockHeadBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(head, ShardFormat.BlockMagic);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], position - ShardFormat.BlockHeadBytes);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], block.Records);
        BinaryPrimitives.WriteInt32LittleEndian(head[12..], columns);
        BinaryPrimitives.WriteUInt64LittleEndian(head[16..], Hash(buffer.AsSpan(0, position), offset));
        return position;
    }

    /// <summary>Checks a block against its hash and the footer, without decoding it.</summary>
    /// <exception cref="InvalidDataException">It is not what was written at this offset.</exception>
    public static void Verify(ReadOnlySpan<byte> block, ShardBlock expected)
    {
        ulong found = BinaryPrimitives.ReadUInt64LittleEndian(block[16..]);
        ulong computed = Hash(block, expected.Offset);
        if (found != computed)
            throw new InvalidDataException($"checksum 0x{computed:x16}, expected 0x{found:x16}");
        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(block);
        int length = BinaryPrimitives.ReadInt32LittleEndian(block[4..]);
        int records = BinaryPrimitives.ReadInt32LittleEndian(block[8..]);
        if (magic != ShardFormat.BlockMagic || length != expected.Length - ShardFormat.BlockHeadBytes || records != expected.Records)
            throw new InvalidDataException($"it says {length} bytes and {records} records, the footer says {expected.Length - ShardFormat.BlockHeadBytes} and {expected.Records}");
    }

    /// <summary>Checks a block and decodes it.</summary>
    /// <param name="block">The bytes of the block.</param>
    /// <param name="expected">What the footer says about it.</param>
    /// <param name="version">The version of the shard.</param>
    /// <exception cref="InvalidDataException">It is not what was written at this offset.</exception>
    public static Example[] Decode(ReadOnlySpan<byte> block, ShardBlock expected, int version)
    {
        Verify(block, expected);
        int columnCount = BinaryPrimitives.ReadInt32LittleEndian(block[12..]);
        int count = ExampleColumns.CountOf(version), tableBytes = count * ShardFormat.ColumnEntryBytes;
        if (columnCount != count || block.Length < ShardFormat.BlockHeadBytes + tableBytes)
            throw new InvalidDataException($"it has {columnCount} columns, version {version} has {count}");
        var columns = new ReadOnlyMemory<byte>[count];
        using var decompressor = new Decompressor();
        int position = ShardFormat.BlockHeadBytes + tableBytes;
        for (int column = 0; column < columns.Length; column++)
        {
            ReadOnlySpan<byte> entry = block.Slice(ShardFormat.BlockHeadBytes + (column * ShardFormat.ColumnEntryBytes), ShardFormat.ColumnEntryBytes);
            int key = BinaryPrimitives.ReadInt32LittleEndian(entry);
            int length = BinaryPrimitives.ReadInt32LittleEndian(entry[4..]);
            int stored = BinaryPrimitives.ReadInt32LittleEndian(entry[8..]);
            if (key != column || stored < 0 || stored > block.Length - position || length < 0 || length > ExampleColumns.MostBytes(column, stored))
                throw new InvalidDataException($"column {column} says key {key}, {length} bytes in {stored}");
            columns[column] = Decompress(decompressor, block.Slice(position, stored), length, column);
            position += stored;
        }
        if (position != block.Length)
            throw new InvalidDataException($"its columns end at {position} of {block.Length}");
        return ExampleBlockDecoder.Decode(columns, expected.Records);
    }

    private static byte[] Decompress(Decompressor decompressor, ReadOnlySpan<byte> frame, int length, int column)
    {
        try
        {
            // The frame names its length too. The two are compared first, so that a false length allocates nothing.
            if (Decompressor.GetDecompressedSize(frame) != (ulong)length)
                throw new InvalidDataException($"column {column} has another length than its {length} bytes");
            byte[] raw = new byte[length];
            int written = decompressor.Unwrap(frame, raw);
            return written == length ? raw : throw new InvalidDataException($"column {column} ends after {written} of {length} bytes");
        }
        catch (ZstdException e)
        {
            throw new InvalidDataException($"column {column} does not decompress: {e.Message}", e);
        }
    }

    private static ulong Hash(ReadOnlySpan<byte> block, long offset)
    {
        var hash = new XxHash3(offset);
        hash.Append(block[..16]);
        hash.Append(block[ShardFormat.BlockHeadBytes..]);
        return hash.GetCurrentHashAsUInt64();
    }
}
