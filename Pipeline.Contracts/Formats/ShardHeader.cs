using System.Buffers;
using MessagePack;

namespace Pipeline.Contracts.Formats;

/// <summary>What is known about a shard before its first record.</summary>
/// <param name="Fingerprint">What the shard is made from.</param>
/// <param name="Index">Which part of the input it covers, from 0.</param>
/// <param name="Count">The number of parts that the input is cut into.</param>
public sealed record ShardHeader(ShardFingerprint Fingerprint, int Index, int Count)
{
    internal byte[] Encode()
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(3);
        writer.WriteMapHeader(Fingerprint.Parts.Count);
        foreach ((string name, string value) in Fingerprint.Parts)
        {
            writer.Write(name);
            writer.Write(value);
        }
        writer.Write(Index);
        writer.Write(Count);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The inverse of <see cref="Encode"/>.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a header.</exception>
    internal static ShardHeader Decode(ReadOnlyMemory<byte> bytes) => MessagePackBytes.Read(bytes, static (ref MessagePackReader reader) =>
    {
        MessagePackBytes.Expect(reader.ReadArrayHeader() == 3, "the header has three fields");
        int parts = reader.ReadMapHeader();
        var fingerprint = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < parts; i++)
        {
            string name = reader.ReadString() ?? "";
            MessagePackBytes.Expect(fingerprint.TryAdd(name, reader.ReadString() ?? ""), "each part of the fingerprint is named once");
        }
        var header = new ShardHeader(new ShardFingerprint(fingerprint), reader.ReadInt32(), reader.ReadInt32());
        MessagePackBytes.Expect(
            header.Count is >= 1 and <= ShardFormat.MaxShards && header.Index >= 0 && header.Index < header.Count, "the index is below the count");
        return header;
    });
}
