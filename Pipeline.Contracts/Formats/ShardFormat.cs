using System.Globalization;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// The constants of the shard format (docs/decisions/0002-shard-format.md). A shard consists of a prelude, a header, blocks, a footer and a trailer.
/// Integers are little-endian, and hashes are XxHash3.
/// <code>
/// prelude  magic[8] version:u32 headerLength:u32 hash:u64 of the 16 bytes before it and the header
/// header   MessagePack (ShardHeader)
/// block    magic:u32 bodyLength:u32 records:u32 columns:u32 hash:u64 of the 16 bytes before it and the body, seeded with the offset
///          body: per column key:u32 length:u32 compressedLength:u32, then the zstd frames
/// footer   MessagePack (ShardFooter)
/// trailer  contentHash:u64 of all before the footer, footerLength:u32 version:u32 hash:u64 of footer and the 16 bytes before it, magic[8]
/// </code>
/// Every byte of a shard is covered by a hash or is a fixed constant.
/// </summary>
public static class ShardFormat
{
    /// <summary>The version of shards whose boundary masses are known, and which have nothing that a later version added.</summary>
    public const int FirstVersion = 1;

    /// <summary>The version of shards that hold the teacher's next bytes.</summary>
    public const int NextBytesVersion = 3;

    /// <summary>The newest version. All versions up to it can be read. What a shard holds decides which one it is written in.</summary>
    public const int LastVersion = 3;

    /// <summary>What the name of a shard ends with.</summary>
    public const string Extension = ".alm";

    /// <summary>The most shards that a folder may have.</summary>
    public const int MaxShards = 65_536;

    internal const int PreludeBytes = 24;
    internal const int BlockHeadBytes = 24;
    internal const int ColumnEntryBytes = 12;
    internal const int TrailerBytes = 32;

    internal const uint BlockMagic = 0x0A4B4C42;

    /// <summary>A header holds only names and hashes, so a larger one was not written by this program.</summary>
    internal const int MaxHeaderBytes = 1 << 20;

    /// <summary>Enough for about a million blocks.</summary>
    internal const int MaxFooterBytes = 8 << 20;

    /// <summary>Limits what an untrusted file can make the reader allocate for a column. The writer ends a block long before.</summary>
    internal const int MaxColumnBytes = 64 << 20;

    /// <summary>
    /// The same limit for hidden states, which are large even for a single long document. As float16 noise compresses little,
    /// <see cref="MaxHiddenRatio"/> keeps a small file from claiming that much.
    /// </summary>
    internal const int MaxHiddenBytes = 1 << 30;

    /// <summary>The most bytes of hidden states that the reader accepts for each byte that is stored.</summary>
    internal const int MaxHiddenRatio = 64;

    internal static ReadOnlySpan<byte> Magic => "ALMSHRD\n"u8;

    internal static ReadOnlySpan<byte> EndMagic => "\nALMEND\n"u8;

    /// <summary>The name of shard <paramref name="index"/>, from 0, of <paramref name="count"/>.</summary>
    public static string FileName(int index, int count)
        => string.Create(CultureInfo.InvariantCulture, $"shard-{index:d5}-of-{count:d5}{Extension}");
}
