using System.Globalization;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// What every part of the shard format agrees on. A shard is prelude, header, blocks, footer, trailer; integers are little-endian.
/// <code>
/// prelude  magic[8] version:u32 headerLength:u32 hash:u64 of the 16 bytes before it and the header
/// header   MessagePack (ShardHeader)
/// block    magic:u32 bodyLength:u32 records:u32 columns:u32 hash:u64 of the 16 bytes before it and the body, seeded with the offset
///          body: per column key:u32 length:u32 compressedLength:u32, then the zstd frames
/// footer   MessagePack (ShardFooter)
/// trailer  contentHash:u64 of all before the footer, footerLength:u32 version:u32 hash:u64 of footer and the 16 bytes before it, magic[8]
/// </code>
/// Hashes are XxHash3. Every byte of a file is covered by one of them or is a fixed constant.
/// </summary>
public static class ShardFormat
{
    /// <summary>Of shards whose boundary masses are known.</summary>
    public const int FirstVersion = 1;

    /// <summary>Of shards that hold the teacher's next bytes.</summary>
    public const int NextBytesVersion = 3;

    /// <summary>The newest version. What a shard holds decides its version; all up to this one are read. See docs/decisions/0002-shard-format.md.</summary>
    public const int LastVersion = 3;

    public const string Extension = ".alm";

    public const int MaxShards = 65_536;

    internal const int PreludeBytes = 24;
    internal const int BlockHeadBytes = 24;
    internal const int ColumnEntryBytes = 12;
    internal const int TrailerBytes = 32;

    internal const uint BlockMagic = 0x0A4B4C42;

    /// <summary>A header holds only names and hashes; a larger one is not ours.</summary>
    internal const int MaxHeaderBytes = 1 << 20;

    /// <summary>About a million blocks.</summary>
    internal const int MaxFooterBytes = 8 << 20;

    /// <summary>Bounds what an untrusted file can make us allocate; the writer ends a block long before.</summary>
    internal const int MaxColumnBytes = 64 << 20;

    /// <summary>Hidden states of one long document are large, but float16 noise does not shrink: see <see cref="MaxHiddenRatio"/>.</summary>
    internal const int MaxHiddenBytes = 1 << 30;

    internal const int MaxHiddenRatio = 64;

    internal static ReadOnlySpan<byte> Magic => "ALMSHRD\n"u8;

    internal static ReadOnlySpan<byte> EndMagic => "\nALMEND\n"u8;

    public static string FileName(int index, int count)
        => string.Create(CultureInfo.InvariantCulture, $"shard-{index:d5}-of-{count:d5}{Extension}");
}
