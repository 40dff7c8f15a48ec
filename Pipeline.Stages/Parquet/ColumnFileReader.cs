using System.Buffers.Binary;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Parquet;

/// <summary>
/// A Parquet file that is open for reading. It is made for untrusted files: sizes are checked before memory is allocated, every loop ends, and whatever is
/// wrong becomes an <see cref="InputException"/> that names the file and the place.
/// </summary>
internal sealed class ColumnFileReader : IDisposable
{
    private const int MaxFooterBytes = 64 << 20;
    private const int TailBytes = 8;

    private readonly Stream _stream;
    private readonly long _dataEnd;

    private ColumnFileReader(string path, Stream stream, long dataEnd, ColumnFile file)
    {
        Path = path;
        _stream = stream;
        _dataEnd = dataEnd;
        File = file;
    }

    public string Path { get; }

    public ColumnFile File { get; }

    /// <summary>Opens a file and reads its footer.</summary>
    /// <exception cref="InputException">The file is not Parquet, is damaged, or is encrypted.</exception>
    public static ColumnFileReader Open(IStorage storage, string path)
    {
        Stream stream = storage.OpenRead(path);
        try
        {
            return Open(path, stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Opens one column of a row group.</summary>
    /// <param name="group">The row group, counted from 0.</param>
    /// <param name="leaf">The column.</param>
    /// <exception cref="ColumnFormatException">The column is encrypted, or has another number of values than the row group has rows.</exception>
    public ColumnReader OpenColumn(int group, LeafColumn leaf)
    {
        RowGroupMetadata rows = File.RowGroups[group];
        ColumnChunkMetadata chunk = rows.Columns[leaf.Index];
        if (chunk.IsEncrypted)
            throw new ColumnFormatException("it is encrypted; write the file without encryption");
        if (leaf.MaxRepetition == 0 && chunk.Values != rows.Rows)
            throw new ColumnFormatException($"it has {chunk.Values} values for {rows.Rows} rows");
        return new ColumnReader(_stream, _dataEnd, leaf, chunk);
    }

    /// <summary>The error for whatever goes wrong while a column is read. It names the file, the row group and the column.</summary>
    public InputException Damage(int group, string column, Exception e)
        => new($"{Path}: row group {group}, column '{column}': {e.Message}", e);

    public void Dispose() => _stream.Dispose();

    private static ColumnFileReader Open(string path, Stream stream)
    {
        long length = stream.Length;
        Span<byte> head = stackalloc byte[4], tail = stackalloc byte[TailBytes];
        if (length < head.Length + TailBytes)
            throw new InputException($"{path} is not a Parquet file: {(length == 0 ? "it is empty" : $"it has {length} bytes")}; copy it again");
        stream.ReadExactly(head);
        stream.Position = length - TailBytes;
        stream.ReadExactly(tail);
        if (head.SequenceEqual("PARE"u8))
            throw new InputException($"{path} is encrypted Parquet, which is not supported; write it without encryption");
        if (!head.SequenceEqual("PAR1"u8))
        {
            stream.Position = 0;
            var more = new byte[FileHead.Bytes];
            string? other = FileHead.Tell(more.AsSpan(0, stream.ReadAtLeast(more, more.Length, throwOnEndOfStream: false)));
            throw new InputException($"{path} is not a Parquet file: {other ?? $"it begins with {Hex(head)}, not with PAR1"}");
        }
        if (!tail[4..].SequenceEqual("PAR1"u8))
            throw new InputException($"{path} is cut off or damaged: it begins like Parquet, but ends with {Hex(tail[4..])}, not with PAR1; copy it again");
        long footer = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        if (footer == 0 || footer > length - head.Length - TailBytes)
            throw new InputException($"{path} is cut off or damaged: its last bytes announce a footer of {footer} bytes in a file of {length}; copy it again");
        if (footer > MaxFooterBytes)
            throw new InputException($"{path} has a footer of {footer} bytes, expected at most {MaxFooterBytes}; write fewer columns or larger row groups");
        var bytes = new byte[footer];
        long dataEnd = length - TailBytes - footer;
        stream.Position = dataEnd;
        stream.ReadExactly(bytes);
        try
        {
            return new ColumnFileReader(path, stream, dataEnd, FooterReader.Read(bytes, dataEnd));
        }
        catch (Exception e) when (e is ColumnFormatException or OverflowException)
        {
            throw new InputException($"{path}: its footer is damaged: {e.Message}", e);
        }
    }

    private static string Hex(ReadOnlySpan<byte> bytes)
        => string.Join(' ', bytes.ToArray().Select(b => b.ToString("x2", CultureInfo.InvariantCulture)));
}
