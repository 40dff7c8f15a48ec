using System.Buffers.Binary;
using System.IO.Hashing;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using ZstdSharp;

namespace Pipeline.Stages.Shards;

/// <summary>
/// Writes one shard. Memory holds one block. There is nothing at the path before <see cref="Commit"/>, and nothing is left if the writer is disposed of
/// without it.
/// </summary>
internal sealed class ShardWriter : IDisposable
{
    private readonly StagedFile _file;
    private readonly ShardWriterOptions _options;
    private readonly ShardHeader _header;
    private readonly string _path;
    private readonly Compressor _compressor;
    private readonly ExampleBlockEncoder _block;
    private readonly List<ShardBlock> _blocks = [];
    private readonly PartBytes[] _parts = new PartBytes[ShardTotals.PartCount];
    private readonly XxHash3 _contentHash = new();
    private byte[] _buffer = [];
    private long _offset;
    private ShardTotals _totals = ShardTotals.Zero;
    private ShardEntry? _entry;

    /// <summary>Begins a shard.</summary>
    /// <param name="storage">Where the shard will be.</param>
    /// <param name="path">The full path that it will have.</param>
    /// <param name="header">What is known before its first record. The fingerprint decides the version of the format.</param>
    /// <param name="options">How it is cut and compressed.</param>
    public ShardWriter(IStorage storage, string path, ShardHeader header, ShardWriterOptions options)
    {
        _options = options;
        _header = header;
        _path = path;
        _compressor = new Compressor(options.CompressionLevel);
        _block = new ExampleBlockEncoder(options.Scores, header.Fingerprint.Version, options.NextBytes);
        _file = new StagedFile(storage, path);
        byte[] body = header.Encode();
        byte[] bytes = new byte[ShardFormat.PreludeBytes + body.Length];
        ShardFormat.Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), header.Fingerprint.Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), body.Length);
        body.CopyTo(bytes.AsSpan(ShardFormat.PreludeBytes));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), ShardBytes.HeaderHash(bytes));
        Append(bytes);
    }

    /// <summary>Whether an example fits into a block. The limit is tens of megabytes.</summary>
    public static bool Fits(Example example) => ExampleValidation.EstimateBytes(example) <= ShardFormat.MaxColumnBytes / 2
        && (example.Teacher?.Hidden?.Values.LongLength ?? 0) <= ShardFormat.MaxHiddenBytes / 4;

    /// <summary>Adds an example after those that are in the shard already.</summary>
    /// <exception cref="InvalidOperationException">The example contradicts itself.</exception>
    public void Add(Example example)
    {
        _block.Add(example);
        if (_block.Records >= _options.BlockRecords || _block.Bytes >= _options.BlockBytes)
            EndBlock();
    }

    /// <summary>Finishes the shard and makes it visible under its path. It then survives power loss.</summary>
    /// <returns>What the manifest should say about it.</returns>
    public ShardEntry Commit()
    {
        ShardEntry entry = Finish();
        _file.Commit();
        return entry;
    }

    /// <summary>Writes the footer, if that has not been done. Nothing can be added afterwards.</summary>
    /// <returns>What the manifest should say about the shard.</returns>
    public ShardEntry Finish()
    {
        if (_entry is not null)
            return _entry;
        EndBlock();
        byte[] footer = new ShardFooter(_blocks, _totals with { Parts = _parts }).Encode(_header.Fingerprint.Version);
        if (footer.Length > ShardFormat.MaxFooterBytes)
            throw new InvalidOperationException($"{_path}: {_blocks.Count} blocks are more than one shard holds; raise count or blockRecords");
        ulong contentHash = _contentHash.GetCurrentHashAsUInt64();
        byte[] bytes = new byte[footer.Length + ShardFormat.TrailerBytes];
        footer.CopyTo(bytes, 0);
        Span<byte> trailer = bytes.AsSpan(footer.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer, contentHash);
        BinaryPrimitives.WriteInt32LittleEndian(trailer[8..], footer.Length);
        BinaryPrimitives.WriteInt32LittleEndian(trailer[12..], _header.Fingerprint.Version);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer[16..], XxHash3.HashToUInt64(bytes.AsSpan(0, footer.Length + 16)));
        ShardFormat.EndMagic.CopyTo(trailer[24..]);
        Append(bytes);
        return _entry = new ShardEntry(_header.Index, Path.GetFileName(_path), _offset, _totals.Records, FileHash.Text(contentHash));
    }

    public void Dispose()
    {
        _file.Dispose();
        _compressor.Dispose();
    }

    private void EndBlock()
    {
        if (_block.Records == 0)
            return;
        int length = ShardBlockCodec.Encode(_block, _offset, _compressor, ref _buffer, _parts);
        _blocks.Add(new ShardBlock(_offset, length, _block.Records));
        _totals += ShardTotals.Zero with
        {
            Records = _block.Records,
            TeacherTokens = _block.TeacherTokens,
            StudentTokens = _block.StudentTokens,
            Chunks = _block.Chunks,
        };
        Append(_buffer.AsSpan(0, length));
        _block.Reset();
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        _file.Stream.Write(bytes);
        _contentHash.Append(bytes);
        _offset += bytes.Length;
    }
}
