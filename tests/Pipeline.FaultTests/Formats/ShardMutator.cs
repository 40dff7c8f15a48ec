using System.Buffers.Binary;
using System.IO.Hashing;
using Pipeline.Contracts.Formats;
using Pipeline.Stages.Shards;
using ZstdSharp;

namespace Pipeline.FaultTests.Formats;

/// <summary>
/// A stranger who knows the format: takes a shard apart, changes one thing, and puts it together with every checksum right, so that
/// what is behind the checksums is tested too.
/// </summary>
internal sealed class ShardMutator(byte[] shard, Random random)
{
    private readonly int _columns = shard.Length < ShardFormat.PreludeBytes ? 0 : ExampleColumns.CountOf(BinaryPrimitives.ReadInt32LittleEndian(shard.AsSpan(8)));

    public byte[] Mutate()
    {
        int headerLength = BinaryPrimitives.ReadInt32LittleEndian(shard.AsSpan(12));
        int footerLength = BinaryPrimitives.ReadInt32LittleEndian(shard.AsSpan(shard.Length - ShardFormat.TrailerBytes + 8));
        int footerStart = shard.Length - ShardFormat.TrailerBytes - footerLength;
        byte[] header = shard[ShardFormat.PreludeBytes..(ShardFormat.PreludeBytes + headerLength)];
        byte[] footer = shard[footerStart..(footerStart + footerLength)];
        byte[] blocks = shard[(ShardFormat.PreludeBytes + headerLength)..footerStart];
        switch (random.Next(6))
        {
            case 0:
                return Assemble(Bytes(header), [blocks], footer, rebuildIndex: false);
            case 1:
                return Assemble(header, [blocks], Bytes(footer), rebuildIndex: false);
            case 2:
                // Any bytes in the place of the blocks, each under its right checksum.
                return Assemble(header, [Bytes(blocks)], footer, rebuildIndex: true);
            default:
                List<byte[]> parts = SplitBlocks(blocks);
                int chosen = random.Next(parts.Count);
                parts[chosen] = MutateBlock(parts[chosen]);
                return Assemble(header, parts, footer, rebuildIndex: true);
        }
    }

    /// <summary>Changes, cuts, doubles or fills some bytes.</summary>
    public byte[] Bytes(byte[] bytes)
    {
        List<byte> changed = [.. bytes];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(changed.Count + 1);
            int length = Math.Min(random.Next(1, 9), changed.Count - at);
            switch (random.Next(5))
            {
                case 0 when at < changed.Count:
                    changed[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < changed.Count:
                    changed[at] = (byte)(random.Next(3) switch { 0 => 0xFF, 1 => 0x7F, _ => random.Next(256) });
                    break;
                case 2:
                    changed.RemoveRange(at, length);
                    break;
                case 3:
                    changed.InsertRange(at, changed.GetRange(at, length));
                    break;
                default:
                    changed.InsertRange(at, Enumerable.Repeat((byte)0xFF, length));
                    break;
            }
        }
        return [.. changed];
    }

    private static List<byte[]> SplitBlocks(byte[] blocks)
    {
        var parts = new List<byte[]>();
        for (int at = 0; at < blocks.Length;)
        {
            int length = ShardFormat.BlockHeadBytes + BinaryPrimitives.ReadInt32LittleEndian(blocks.AsSpan(at + 4));
            parts.Add(blocks[at..(at + length)]);
            at += length;
        }
        return parts;
    }

    private byte[] MutateBlock(byte[] block)
    {
        byte[] head = block[..ShardFormat.BlockHeadBytes];
        byte[] table = block[head.Length..(head.Length + (_columns * ShardFormat.ColumnEntryBytes))];
        var frames = new List<byte[]>();
        int position = head.Length + table.Length;
        int chosen = random.Next(_columns);
        bool inside = random.Next(8) > 0;
        using var compressor = new Compressor(1);
        using var decompressor = new Decompressor();
        for (int column = 0; column < _columns; column++)
        {
            Span<byte> entry = table.AsSpan(column * ShardFormat.ColumnEntryBytes);
            int stored = BinaryPrimitives.ReadInt32LittleEndian(entry[8..]);
            byte[] frame = block[position..(position + stored)];
            position += stored;
            if (column == chosen && inside)
            {
                byte[] raw = Bytes(decompressor.Unwrap(frame).ToArray());
                frame = compressor.Wrap(raw).ToArray();
                BinaryPrimitives.WriteInt32LittleEndian(entry[4..], raw.Length);
            }
            else if (column == chosen)
            {
                frame = Bytes(frame);
            }
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], frame.Length);
            frames.Add(frame);
        }
        if (random.Next(10) == 0)
            table = Bytes(table);
        if (random.Next(10) == 0)
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(8), random.Next(3) == 0 ? int.MaxValue : random.Next(100));
        byte[] body = [.. table, .. frames.SelectMany(f => f)];
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), body.Length);
        return [.. head, .. body];
    }

    private byte[] Assemble(byte[] header, IReadOnlyList<byte[]> blocks, byte[] footer, bool rebuildIndex)
    {
        byte[] front = [.. shard[..ShardFormat.PreludeBytes], .. header];
        BinaryPrimitives.WriteInt32LittleEndian(front.AsSpan(12), header.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(front.AsSpan(16), ShardBytes.HeaderHash(front));
        long offset = front.Length;
        var index = new List<ShardBlock>();
        foreach (byte[] block in blocks.Where(b => rebuildIndex && b.Length > ShardFormat.BlockHeadBytes))
        {
            var hash = new XxHash3(offset);
            hash.Append(block.AsSpan(0, 16));
            hash.Append(block.AsSpan(ShardFormat.BlockHeadBytes));
            BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(16), hash.GetCurrentHashAsUInt64());
            index.Add(new ShardBlock(offset, block.Length, Math.Max(1, BinaryPrimitives.ReadInt32LittleEndian(block.AsSpan(8)))));
            offset += block.Length;
        }
        if (rebuildIndex)
            footer = new ShardFooter(index, ShardTotals.Zero with { Records = index.Sum(b => (long)b.Records) }).Encode(BinaryPrimitives.ReadInt32LittleEndian(shard.AsSpan(8)));
        byte[] content = [.. front, .. blocks.SelectMany(b => b)];
        byte[] back = [.. footer, .. shard[^ShardFormat.TrailerBytes..]];
        Span<byte> trailer = back.AsSpan(footer.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer, XxHash3.HashToUInt64(content));
        BinaryPrimitives.WriteInt32LittleEndian(trailer[8..], footer.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer[16..], XxHash3.HashToUInt64(back.AsSpan(0, footer.Length + 16)));
        return [.. content, .. back];
    }
}
