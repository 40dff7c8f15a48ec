using System.Buffers;
using MessagePack;

namespace Pipeline.Contracts.Formats;

/// <summary>Where a block is in its shard.</summary>
/// <param name="Offset">The offset of its first byte.</param>
/// <param name="Length">Its length in bytes, including its head.</param>
/// <param name="Records">The number of records in it.</param>
public readonly record struct ShardBlock(long Offset, int Length, int Records);

/// <summary>What is known about a shard after its last record.</summary>
/// <param name="Blocks">The blocks, in order and without gaps.</param>
/// <param name="Totals">Sums over the records of the shard.</param>
public sealed record ShardFooter(IReadOnlyList<ShardBlock> Blocks, ShardTotals Totals)
{
    private const int LeastBytesPerBlock = 3;

    /// <summary>The footer as bytes.</summary>
    /// <param name="version">The version of the shard. It decides which parts are counted.</param>
    internal byte[] Encode(int version)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(2);
        writer.WriteArrayHeader(Blocks.Count);
        foreach (ShardBlock block in Blocks)
        {
            writer.WriteArrayHeader(2);
            writer.Write(block.Length);
            writer.Write(block.Records);
        }
        writer.WriteArrayHeader(5);
        writer.Write(Totals.Records);
        writer.Write(Totals.TeacherTokens);
        writer.Write(Totals.StudentTokens);
        writer.Write(Totals.Chunks);
        int parts = ShardTotals.PartsOf(version);
        writer.WriteArrayHeader(parts);
        foreach (PartBytes part in Totals.Parts.Take(parts))
        {
            writer.WriteArrayHeader(2);
            writer.Write(part.Raw);
            writer.Write(part.Stored);
        }
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The inverse of <see cref="Encode"/>.</summary>
    /// <param name="bytes">The footer.</param>
    /// <param name="start">The offset in the shard where the first block has to begin.</param>
    /// <param name="end">The offset where the last block has to end.</param>
    /// <param name="version">The version of the shard.</param>
    /// <exception cref="InvalidDataException">
    /// The bytes are not a footer, or its blocks do not go from <paramref name="start"/> to <paramref name="end"/>.
    /// </exception>
    internal static ShardFooter Decode(ReadOnlyMemory<byte> bytes, long start, long end, int version)
        => MessagePackBytes.Read(bytes, (ref MessagePackReader reader) =>
        {
            MessagePackBytes.Expect(reader.ReadArrayHeader() == 2, "the footer has two fields");
            int count = reader.ReadArrayHeader();
            MessagePackBytes.Expect(count <= bytes.Length / LeastBytesPerBlock, "the footer is long enough for its blocks");
            var blocks = new ShardBlock[count];
            long offset = start;
            long records = 0;
            for (int i = 0; i < blocks.Length; i++)
            {
                MessagePackBytes.Expect(reader.ReadArrayHeader() == 2, "a block has two fields");
                blocks[i] = new ShardBlock(offset, reader.ReadInt32(), reader.ReadInt32());
                MessagePackBytes.Expect(blocks[i].Length > ShardFormat.BlockHeadBytes && blocks[i].Records > 0, "a block holds records");
                offset += blocks[i].Length;
                records += blocks[i].Records;
            }
            MessagePackBytes.Expect(offset == end, $"the blocks end where the footer begins, at byte {end}, not {offset}");
            ShardTotals totals = DecodeTotals(ref reader, version);
            MessagePackBytes.Expect(totals.Records == records, $"the blocks hold {totals.Records} records, not {records}");
            return new ShardFooter(blocks, totals);
        });

    private static ShardTotals DecodeTotals(ref MessagePackReader reader, int version)
    {
        MessagePackBytes.Expect(reader.ReadArrayHeader() == 5, "the totals have five fields");
        long records = reader.ReadInt64();
        long teacherTokens = reader.ReadInt64();
        long studentTokens = reader.ReadInt64();
        long chunks = reader.ReadInt64();
        var parts = new PartBytes[ShardTotals.PartCount];
        int counted = ShardTotals.PartsOf(version);
        MessagePackBytes.Expect(reader.ReadArrayHeader() == counted, $"the totals have {counted} parts");
        for (int i = 0; i < counted; i++)
        {
            MessagePackBytes.Expect(reader.ReadArrayHeader() == 2, "a part has two fields");
            parts[i] = new PartBytes(reader.ReadInt64(), reader.ReadInt64());
        }
        return new ShardTotals(records, teacherTokens, studentTokens, chunks, parts);
    }
}
