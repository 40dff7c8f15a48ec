using System.Buffers;
using MessagePack;

namespace Pipeline.Contracts.Formats;

/// <summary>Where a block is: byte offset, length with its head, records in it.</summary>
public readonly record struct ShardBlock(long Offset, int Length, int Records);

/// <summary>What is known after the last record.</summary>
public sealed record ShardFooter(IReadOnlyList<ShardBlock> Blocks, ShardTotals Totals)
{
    private const int LeastBytesPerBlock = 3;

    /// <param name="version">Of the shard: it says which parts are counted.</param>
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

    /// <summary>Blocks follow each other without a gap from <paramref name="start"/> to <paramref name="end"/>.</summary>
    /// <exception cref="InvalidDataException">They do not, or it is no footer.</exception>
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
