namespace Pipeline.Stages.Parquet;

/// <summary>
/// Reads one column chunk entry by entry. Only a few pages and the dictionary are in memory at a time. Of pages that are skipped, only the headers are
/// read.
/// </summary>
internal sealed class ColumnReader(Stream file, long dataEnd, LeafColumn leaf, ColumnChunkMetadata chunk)
{
    private const int FirstHeaderWindow = 512;
    private const int MaxHeaderBytes = 16 << 20;
    private const int RunBytes = 4 << 20;
    private const int RunValues = 1 << 18;

    private readonly PageRun _run = new(leaf, chunk.Codec == ColumnCodec.Lz4Framed ? ColumnCodec.Uncompressed : chunk.Codec);

    // A page that was decompressed here, the body of a page as stored, and the bytes in which a header is looked for.
    private byte[] _plain = [];
    private byte[] _body = [];
    private byte[] _window = new byte[FirstHeaderWindow];
    private long _position = chunk.Start;
    private long _entriesLeft = chunk.Values;

    // The header of the next data page, and where its body begins, once it has been read.
    private (PageHeader Header, long Position)? _next;
    private (PageHeader Header, byte[] Body)? _dictionary;
    private int _index = -1;
    private int _valueIndex = -1;

    /// <summary>The entry's repetition level. It is 0 where a new row begins.</summary>
    public int Repetition => leaf.MaxRepetition > 0 ? _run.Repetitions[_index] : 0;

    /// <summary>The entry's definition level: how many of its optional and repeated nodes are there.</summary>
    public int Definition => leaf.MaxDefinition > 0 ? _run.Definitions[_index] : 0;

    /// <summary>Whether the entry has a value. If not, something on the way to the leaf is null or empty.</summary>
    public bool HasValue => Definition == leaf.MaxDefinition;

    /// <summary>The entry's bytes, if it <see cref="HasValue"/> and the column has bytes. Valid until the next <see cref="Read"/>.</summary>
    public ReadOnlySpan<byte> Value => _run.Values.Bytes(_valueIndex);

    /// <summary>The entry's number, if it <see cref="HasValue"/> and the column has numbers.</summary>
    public double Number => _run.Values.Number(_valueIndex);

    /// <summary>The entry's number or truth value in the type that it has in the file.</summary>
    public object Scalar => _run.Values.Scalar(_valueIndex);

    /// <summary>Goes to the next entry. False after the last one.</summary>
    /// <exception cref="ColumnFormatException">The column is damaged.</exception>
    public bool Read()
    {
        while (_index + 1 >= _run.Count)
        {
            if (_entriesLeft == 0)
                return false;
            LoadRun();
        }
        _index++;
        if (HasValue)
            _valueIndex++;
        if (Repetition > leaf.MaxRepetition || Definition > leaf.MaxDefinition)
            throw new ColumnFormatException($"levels {Repetition} and {Definition}; at most {leaf.MaxRepetition} and {leaf.MaxDefinition} fit the schema");
        return true;
    }

    /// <summary>Skips entries before the first one is read. The column must not be repeated, so that these are rows.</summary>
    public void SkipEntries(long count)
    {
        while (_entriesLeft > 0 && Peek().Header is { } page && page.Values <= count)
        {
            count -= page.Values;
            _entriesLeft -= page.Values;
            _next = null;
        }
        for (; count > 0; count--)
        {
            if (!Read())
                throw new ColumnFormatException("it has fewer values than its row group has rows");
        }
    }

    private void LoadRun()
    {
        _run.Begin();
        _index = -1;
        _valueIndex = -1;
        while (_entriesLeft > 0 && _run.Bytes < RunBytes && _run.Count < RunValues)
        {
            (PageHeader page, long position) = Peek();
            if (_run.Count > 0 && (long)_run.Count + page.Values > PageGuard.MaxPageValues)
                break;
            if (!_run.HasDictionary && _dictionary is { } dictionary)
                _run.AddDictionary(Plain(dictionary.Header), dictionary.Body);
            _run.Add(Plain(page), Decompressed(page, ReadBody(page, position, ref _body)));
            _entriesLeft -= page.Values;
            _next = null;
        }
        _run.Decode();
    }

    /// <summary>The header of the next data page, and the position of its body in the file.</summary>
    private (PageHeader Header, long Position) Peek()
    {
        while (_next is null)
        {
            PageHeader page = ReadHeader();
            long body = _position;
            if (page.CompressedBytes > dataEnd - body)
                throw new ColumnFormatException($"a page of {page.CompressedBytes} bytes at byte {body}, the data ends at byte {dataEnd}");
            _position += page.CompressedBytes;
            if (page.Kind == PageKind.Index)
                continue;
            PageGuard.CheckHeader(page, chunk.Codec, leaf.Physical);
            if (page.Kind == PageKind.Dictionary)
            {
                byte[] bytes = [];
                if (_dictionary is not null || _entriesLeft != chunk.Values)
                    throw new ColumnFormatException("a dictionary page after the first page");
                ReadOnlySpan<byte> stored = ReadBody(page, body, ref bytes);
                _dictionary = (page, chunk.Codec == ColumnCodec.Lz4Framed ? Decompressed(page, stored).ToArray() : bytes);
                continue;
            }
            CheckData(page);
            _next = (page, body);
        }
        return _next.Value;
    }

    private void CheckData(PageHeader page)
    {
        if (page.Values > _entriesLeft)
            throw new ColumnFormatException($"a page of {page.Values} values where {_entriesLeft} are left");
        if (page.Encoding is ValueEncoding.PlainDictionary or ValueEncoding.RleDictionary && _dictionary is null)
            throw new ColumnFormatException("dictionary indices without a dictionary page");
        if (leaf.MaxDefinition > 0 && page.DefinitionEncoding != ValueEncoding.Rle)
            throw new ColumnFormatException($"levels in the old encoding {page.DefinitionEncoding}; write the file with a newer program");
        if (leaf.MaxRepetition > 0 && page.Kind == PageKind.DataV2)
            throw new ColumnFormatException("lists in pages of version 2 are not supported; write the file with pages of version 1");
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
                // The statistics in a header can be as long as the values that they describe.
                _window = new byte[_window.Length * 8];
            }
        }
    }

    private ReadOnlySpan<byte> ReadBody(PageHeader page, long position, ref byte[] buffer)
    {
        if (buffer.Length < page.CompressedBytes)
            buffer = new byte[page.CompressedBytes];
        file.Position = position;
        file.ReadExactly(buffer, 0, page.CompressedBytes);
        ReadOnlySpan<byte> body = buffer.AsSpan(0, page.CompressedBytes);
        PageGuard.CheckBody(page, chunk.Codec, body, position);
        return body;
    }

    // The header of a page that was decompressed here, as the library must see it: not compressed.
    private PageHeader Plain(PageHeader page)
        => chunk.Codec == ColumnCodec.Lz4Framed ? page with { CompressedBytes = page.Bytes, IsCompressed = false } : page;

    private ReadOnlySpan<byte> Decompressed(PageHeader page, ReadOnlySpan<byte> body)
    {
        if (chunk.Codec != ColumnCodec.Lz4Framed || !page.IsCompressed)
            return body;
        if (_plain.Length < page.Bytes)
            _plain = new byte[page.Bytes];
        int levels = page.DefinitionBytes + page.RepetitionBytes;
        body[..levels].CopyTo(_plain);
        if (body.Length > levels)
            HadoopLz4.Decompress(body[levels..], _plain.AsSpan(levels, page.Bytes - levels));
        return _plain.AsSpan(0, page.Bytes);
    }
}
