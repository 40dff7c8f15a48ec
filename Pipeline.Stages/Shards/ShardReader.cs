using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>
/// Reads one shard, block by block. It keeps no file open, so that thousands of readers cost little. The checksum of a block is checked before its
/// content is used.
/// </summary>
public sealed class ShardReader
{
    private const string Remedy = "delete the shard (or run 'alm repair') and run again: only it is computed again";
    private const int CopyBytes = 1 << 20;

    private readonly IStorage _storage;
    private readonly ulong _contentHash;
    private readonly long _footerOffset;

    private ShardReader(IStorage storage, string path, long length, int version, ShardHeader header, ShardFooter footer, ulong contentHash, long footerOffset)
    {
        _storage = storage;
        Path = path;
        Bytes = length;
        Version = version;
        Header = header;
        Footer = footer;
        _contentHash = contentHash;
        _footerOffset = footerOffset;
    }

    public string Path { get; }

    /// <summary>The length of the file.</summary>
    public long Bytes { get; }

    /// <summary>The version of the format.</summary>
    public int Version { get; }

    public ShardHeader Header { get; }

    public ShardFooter Footer { get; }

    /// <summary>What a manifest should say about this shard.</summary>
    public ShardEntry Entry => new(Header.Index, System.IO.Path.GetFileName(Path), Bytes, Footer.Totals.Records, FileHash.Text(_contentHash));

    /// <summary>Reads and checks the header and the footer of a shard.</summary>
    /// <exception cref="DamagedException">
    /// It is not what was written. The message names the file, the offset, what was found and what was expected.
    /// </exception>
    /// <exception cref="InputException">It has a version that this program does not read.</exception>
    public static ShardReader Open(IStorage storage, string path)
    {
        using Stream file = storage.OpenRead(path);
        long length = file.Length;
        (ShardHeader header, int version, int start) = ReadHeader(file, path);
        if (length < start + ShardFormat.TrailerBytes)
            throw Damaged(path, length, "the file ends before its trailer");
        (byte[] footer, ulong contentHash) = ReadFooter(file, path, start, version);
        long footerOffset = length - ShardFormat.TrailerBytes - footer.Length;
        try
        {
            return new ShardReader(storage, path, length, version, header, ShardFooter.Decode(footer, start, footerOffset, version), contentHash, footerOffset);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(path, footerOffset, $"the footer cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The examples of a block, by its index in the footer.</summary>
    /// <exception cref="DamagedException">The block is not what was written.</exception>
    public Example[] ReadBlock(int index)
    {
        using Stream file = _storage.OpenRead(Path);
        return ReadBlock(file, index);
    }

    /// <summary>All examples in order. One block is in memory at a time.</summary>
    /// <exception cref="DamagedException">A block is not what was written.</exception>
    public IEnumerable<Example> ReadAll()
    {
        using Stream file = _storage.OpenRead(Path);
        for (int i = 0; i < Footer.Blocks.Count; i++)
        {
            foreach (Example example in ReadBlock(file, i))
                yield return example;
        }
    }

    /// <summary>Checks every byte of the shard against its checksums, without decoding the blocks.</summary>
    /// <exception cref="DamagedException">A checksum is wrong. The message names the first block that is not what was written.</exception>
    public void Verify(CancellationToken cancellationToken = default)
    {
        using Stream file = _storage.OpenRead(Path);
        var hash = new XxHash3();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            for (long left = _footerOffset; left > 0;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(left, CopyBytes));
                ReadExactly(file, piece, _footerOffset - left);
                hash.Append(piece);
                left -= piece.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        if (hash.GetCurrentHashAsUInt64() == _contentHash)
            return;
        for (int i = 0; i < Footer.Blocks.Count; i++)
            WithBlock(file, i, static (bytes, block) => { ShardBlockCodec.Verify(bytes, block); return true; });
        throw Damaged(Path, _footerOffset, $"the content has checksum 0x{hash.GetCurrentHashAsUInt64():x16}, expected 0x{_contentHash:x16}");
    }

    private Example[] ReadBlock(Stream file, int index) => WithBlock(file, index, (bytes, block) => ShardBlockCodec.Decode(bytes, block, Version));

    private T WithBlock<T>(Stream file, int index, Func<ReadOnlySpan<byte>, ShardBlock, T> read)
    {
        ShardBlock block = Footer.Blocks[index];
        byte[] buffer = ArrayPool<byte>.Shared.Rent(block.Length);
        try
        {
            Span<byte> bytes = buffer.AsSpan(0, block.Length);
            file.Position = block.Offset;
            ReadExactly(file, bytes, block.Offset);
            return read(bytes, block);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(Path, block.Offset, $"block {index}: {e.Message}", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void ReadExactly(Stream file, Span<byte> bytes, long offset)
    {
        int read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (read < bytes.Length)
            throw Damaged(Path, offset + read, $"the file ends there, but it was {Bytes} bytes long when it was opened");
    }

    private static (ShardHeader Header, int Version, int Length) ReadHeader(Stream file, string path)
    {
        Span<byte> prelude = stackalloc byte[ShardFormat.PreludeBytes];
        int read = file.ReadAtLeast(prelude, prelude.Length, throwOnEndOfStream: false);
        if (read < prelude.Length)
            throw Damaged(path, read, $"the file ends inside its first {ShardFormat.PreludeBytes} bytes");
        if (!prelude.StartsWith(ShardFormat.Magic))
            throw Damaged(path, 0, $"not a shard: it begins with {Convert.ToHexString(prelude[..8])}, expected {Convert.ToHexString(ShardFormat.Magic)}");
        int length = BinaryPrimitives.ReadInt32LittleEndian(prelude[12..]);
        if (length < 0 || length > ShardFormat.MaxHeaderBytes || length > file.Length - ShardFormat.PreludeBytes)
            throw Damaged(path, 12, $"a header of {length} bytes in a file of {file.Length}");
        byte[] bytes = new byte[ShardFormat.PreludeBytes + length];
        prelude.CopyTo(bytes);
        file.ReadExactly(bytes.AsSpan(ShardFormat.PreludeBytes));
        ulong expected = BinaryPrimitives.ReadUInt64LittleEndian(prelude[16..]);
        ulong found = ShardBytes.HeaderHash(bytes);
        if (found != expected)
            throw Damaged(path, 0, $"the header has checksum 0x{found:x16}, expected 0x{expected:x16}");
        // The version is looked at after the checksum, or a flipped bit would pass for another version. Every version has the same prelude.
        int version = BinaryPrimitives.ReadInt32LittleEndian(prelude[8..]);
        if (version is < ShardFormat.FirstVersion or > ShardFormat.LastVersion)
        {
            throw new InputException(
                $"{path} has shard format version {version}, this program reads versions {ShardFormat.FirstVersion} to {ShardFormat.LastVersion}; write it again with this program");
        }
        try
        {
            return (ShardHeader.Decode(bytes.AsMemory(ShardFormat.PreludeBytes)), version, bytes.Length);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(path, ShardFormat.PreludeBytes, $"the header cannot be read: {e.Message}", e);
        }
    }

    private static (byte[] Footer, ulong ContentHash) ReadFooter(Stream file, string path, int start, int headerVersion)
    {
        Span<byte> trailer = stackalloc byte[ShardFormat.TrailerBytes];
        long offset = file.Length - ShardFormat.TrailerBytes;
        file.Position = offset;
        file.ReadExactly(trailer);
        if (!trailer.EndsWith(ShardFormat.EndMagic))
            throw Damaged(path, offset + 24, $"the file ends with {Convert.ToHexString(trailer[24..])}, expected {Convert.ToHexString(ShardFormat.EndMagic)}: it was cut off or never finished");
        int length = BinaryPrimitives.ReadInt32LittleEndian(trailer[8..]);
        if (length < 0 || length > ShardFormat.MaxFooterBytes || length > offset - start)
            throw Damaged(path, offset + 8, $"a footer of {length} bytes in a file of {file.Length}");
        byte[] bytes = new byte[length + 16];
        file.Position = offset - length;
        file.ReadExactly(bytes);
        ulong expected = BinaryPrimitives.ReadUInt64LittleEndian(trailer[16..]);
        ulong found = XxHash3.HashToUInt64(bytes);
        if (found != expected)
            throw Damaged(path, offset - length, $"the footer has checksum 0x{found:x16}, expected 0x{expected:x16}");
        int version = BinaryPrimitives.ReadInt32LittleEndian(trailer[12..]);
        if (version != headerVersion)
            throw Damaged(path, offset + 12, $"the trailer has format version {version}, the header {headerVersion}");
        return (bytes[..length], BinaryPrimitives.ReadUInt64LittleEndian(trailer));
    }

    private static DamagedException Damaged(string path, long offset, string message, Exception? inner = null)
        => new(path, $"{path}: at byte {offset}: {message}; {Remedy}", inner);
}
