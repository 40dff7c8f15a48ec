using System.Buffers.Binary;
using System.IO.Hashing;

namespace Pipeline.Stages.Text.Columns;

/// <summary>
/// One column chunk, value by value. At most one page and the dictionary are in memory; pages that are skipped are neither read nor
/// decompressed.
/// </summary>
internal sealed class ColumnReader(Stream file, long dataEnd, LeafColumn leaf, ColumnChunkMetadata chunk)
{
    private const int FirstHeaderWindow = 512;
    private const int MaxHeaderBytes = 16 << 20;

    private byte[] _stored = [];
    private byte[] _body = [];
    private byte[] _window = new byte[FirstHeaderWindow];
    private long _position = chunk.Start;
    private long _bodyPosition;
    private long _chunkLeft = chunk.Values;
    private long _pageLeft;
    private bool _hasUnreadValue;
    private HybridDecoder? _repetitions;
    private HybridDecoder? _definitions;
    private ValueDecoder? _values;
    private ValueEncoding _encoding;
    private ReadOnlyMemory<byte> _valueBytes;
    private (PageHeader Header, long Position)? _dictionaryPage;
    private ByteArrayDictionary? _dictionary;

    /// <summary>0 where a new row begins.</summary>
    public int Repetition { get; private set; }

    public int Definition { get; private set; }

    /// <summary>Whether there is a value; null at some level otherwise.</summary>
    public bool HasValue { get; private set; }

    /// <summary>Steps to the next entry; false after the last.</summary>
    public bool Read()
    {
        if (_hasUnreadValue)
            _ = Value();
        while (_pageLeft == 0)
        {
            if (_chunkLeft == 0)
                return false;
            Load(NextDataPage());
        }
        _pageLeft--;
        _chunkLeft--;
        Repetition = (int)(_repetitions?.Next() ?? 0);
        Definition = (int)(_definitions?.Next() ?? 0);
        if (Repetition > leaf.MaxRepetition || Definition > leaf.MaxDefinition)
            throw new ColumnFormatException($"levels {Repetition} and {Definition}; at most {leaf.MaxRepetition} and {leaf.MaxDefinition} fit the schema");
        HasValue = Definition == leaf.MaxDefinition;
        _hasUnreadValue = HasValue;
        return true;
    }

    /// <summary>The entry's bytes, once, where <see cref="HasValue"/>; good until the next call.</summary>
    public ReadOnlySpan<byte> Value()
    {
        _hasUnreadValue = false;
        _values ??= ValueDecoder.Create(_encoding, _valueBytes, Dictionary);
        return _values.Next();
    }

    /// <summary>Steps over rows of a column that is not repeated.</summary>
    public void SkipEntries(long count)
    {
        while (count > 0)
        {
            if (_pageLeft == 0 && _chunkLeft > 0)
            {
                PageHeader page = NextDataPage();
                if (page.Values <= count)
                {
                    count -= page.Values;
                    _chunkLeft -= page.Values;
                    continue;
                }
                Load(page);
            }
            if (!Read())
                throw new ColumnFormatException("it has fewer values than its row group has rows");
            count--;
        }
    }

    private PageHeader NextDataPage()
    {
        while (true)
        {
            PageHeader page = ReadHeader();
            _bodyPosition = _position;
            if (page.CompressedBytes > dataEnd - _position)
                throw new ColumnFormatException($"a page of {page.CompressedBytes} bytes at byte {_position}, the data ends at byte {dataEnd}");
            _position += page.CompressedBytes;
            switch (page.Kind)
            {
                case PageKind.Data or PageKind.DataV2:
                    return page.Values <= _chunkLeft
                        ? page
                        : throw new ColumnFormatException($"a page of {page.Values} values where {_chunkLeft} are left");
                case PageKind.Dictionary:
                    if (_dictionaryPage is not null)
                        throw new ColumnFormatException("a second dictionary page");
                    _dictionaryPage = (page, _bodyPosition);
                    break;
            }
        }
    }

    private PageHeader ReadHeader()
    {
        while (true)
        {
            int size = (int)Math.Min(_window.Length, dataEnd - _position);
            file.Position = _position;
            file.ReadExactly(_window, 0, size);
            try
            {
                PageHeader page = PageHeader.Read(_window.AsSpan(0, size), out int length);
                _position += length;
                return page;
            }
            catch (ColumnFormatException e) when (e.IsCut && size == _window.Length && size < MaxHeaderBytes)
            {
                // Statistics in a header can be as long as the values they describe.
                _window = new byte[_window.Length * 8];
            }
        }
    }

    private void Load(PageHeader page)
    {
        ReadOnlyMemory<byte> body = page.Kind == PageKind.DataV2 ? LoadV2(page) : LoadV1(page);
        _pageLeft = page.Values;
        _values = null;
        _encoding = page.Encoding;
        _valueBytes = body;
    }

    private ReadOnlyMemory<byte> LoadV1(PageHeader page)
    {
        PageCodec.Check(chunk.Codec, page.CompressedBytes, page.Bytes);
        ReadOnlyMemory<byte> stored = ReadStored(page, _bodyPosition);
        ReadOnlyMemory<byte> body = Decompress(stored, page.Bytes, ref _body);
        _repetitions = TakeLevels(ref body, leaf.MaxRepetition, ValueEncoding.Rle);
        _definitions = TakeLevels(ref body, leaf.MaxDefinition, page.DefinitionEncoding);
        return body;
    }

    private ReadOnlyMemory<byte> LoadV2(PageHeader page)
    {
        int levels = page.RepetitionBytes + page.DefinitionBytes;
        ColumnCodec codec = page.IsCompressed ? chunk.Codec : ColumnCodec.Uncompressed;
        int storedBytes = page.CompressedBytes - levels, bytes = page.Bytes - levels;
        // Nothing is stored of a page that has only nulls, which no codec would call an empty page.
        bool isEmpty = storedBytes == 0 || bytes == 0;
        if (!isEmpty)
            PageCodec.Check(codec, storedBytes, bytes);
        else if (page.CompressedBytes > PageCodec.MaxPageBytes)
            throw new ColumnFormatException($"a page of {page.CompressedBytes} bytes");
        ReadOnlyMemory<byte> stored = ReadStored(page, _bodyPosition);
        _repetitions = Levels(stored[..page.RepetitionBytes], leaf.MaxRepetition);
        _definitions = Levels(stored[page.RepetitionBytes..levels], leaf.MaxDefinition);
        if (isEmpty)
            return ReadOnlyMemory<byte>.Empty;
        return codec == ColumnCodec.Uncompressed ? stored[levels..] : DecompressWith(codec, stored[levels..], bytes, ref _body);
    }

    private ReadOnlyMemory<byte> ReadStored(PageHeader page, long position)
    {
        if (_stored.Length < page.CompressedBytes)
            _stored = new byte[page.CompressedBytes];
        file.Position = position;
        file.ReadExactly(_stored, 0, page.CompressedBytes);
        ReadOnlyMemory<byte> stored = _stored.AsMemory(0, page.CompressedBytes);
        if (page.Crc is { } expected && Crc32.HashToUInt32(stored.Span) is uint found && found != expected)
            throw new ColumnFormatException($"the page at byte {position} has checksum {found:x8}, its header says {expected:x8}: the file is damaged");
        return stored;
    }

    private ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> stored, int bytes, ref byte[] buffer)
        => DecompressWith(chunk.Codec, stored, bytes, ref buffer);

    private static ReadOnlyMemory<byte> DecompressWith(ColumnCodec codec, ReadOnlyMemory<byte> stored, int bytes, ref byte[] buffer)
    {
        if (bytes == 0)
            return ReadOnlyMemory<byte>.Empty;
        if (buffer.Length < bytes)
            buffer = new byte[bytes];
        PageCodec.Decompress(codec, stored, buffer.AsSpan(0, bytes));
        return buffer.AsMemory(0, bytes);
    }

    private ByteArrayDictionary Dictionary()
    {
        if (_dictionary is not null)
            return _dictionary;
        if (_dictionaryPage is not { } page)
            throw new ColumnFormatException("dictionary indices without a dictionary page");
        PageCodec.Check(chunk.Codec, page.Header.CompressedBytes, page.Header.Bytes);
        // The page in hand is decompressed already, or lies in the stored bytes themselves (v2), which must not be overwritten.
        byte[] stored = _stored, buffer = [];
        _stored = [];
        ReadOnlyMemory<byte> body = Decompress(ReadStored(page.Header, page.Position), page.Header.Bytes, ref buffer);
        _stored = stored;
        _dictionary = new ByteArrayDictionary(body, page.Header.Values);
        return _dictionary;
    }

    private static HybridDecoder? TakeLevels(ref ReadOnlyMemory<byte> body, int maximum, ValueEncoding encoding)
    {
        if (maximum == 0)
            return null;
        if (encoding != ValueEncoding.Rle)
            throw new ColumnFormatException($"levels in the old encoding {encoding}; write the file with a newer program");
        if (body.Length < sizeof(int))
            throw new ColumnFormatException("a page without its levels");
        int length = BinaryPrimitives.ReadInt32LittleEndian(body.Span);
        if (length < 0 || length > body.Length - sizeof(int))
            throw new ColumnFormatException($"levels of {length} bytes in a page of {body.Length}");
        HybridDecoder levels = new(body.Slice(sizeof(int), length), Bits.Width(maximum));
        body = body[(sizeof(int) + length)..];
        return levels;
    }

    private static HybridDecoder? Levels(ReadOnlyMemory<byte> bytes, int maximum)
        => maximum == 0 ? null : new HybridDecoder(bytes, Bits.Width(maximum));
}
