using System.Buffers;
using System.Text;
using MessagePack;
using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Formats;

/// <summary>Encodes examples as the columns of a block. <see cref="Reset"/> begins the next block.</summary>
/// <param name="precision">The precision of the teacher's scores.</param>
/// <param name="version">The version of the shard.</param>
/// <param name="nextBytes">The precision of the teacher's next bytes.</param>
internal sealed class ExampleBlockEncoder(ScorePrecision precision, int version, ScorePrecision nextBytes)
{
    private readonly ArrayBufferWriter<byte>[] _columns = [.. Enumerable.Range(0, ExampleColumns.CountOf(version)).Select(_ => new ArrayBufferWriter<byte>())];
    private readonly ArrayBufferWriter<byte> _first = new();
    private readonly ArrayBufferWriter<byte> _second = new();
    private readonly TokenCodec _student = new();
    private readonly TokenCodec _teacher = new();
    private readonly long[] _rawBytes = new long[ShardTotals.PartCount];

    public int ColumnCount => _columns.Length;

    public int Records { get; private set; }

    public long TeacherTokens { get; private set; }

    public long StudentTokens { get; private set; }

    public long Chunks { get; private set; }

    /// <summary>The bytes of all columns so far, before compression.</summary>
    public long Bytes { get; private set; }

    /// <summary>By <see cref="ShardPart"/>, the bytes of the values without what MessagePack adds.</summary>
    public IReadOnlyList<long> RawBytes => _rawBytes;

    public ReadOnlyMemory<byte> Column(int column) => _columns[column].WrittenMemory;

    /// <summary>Adds an example to the block.</summary>
    /// <exception cref="InvalidOperationException">The example contradicts itself, or its text is not well-formed.</exception>
    public void Add(Example example)
    {
        ExampleValidation.Validate(example, version);
        byte[] text = EncodeText(example);
        WriteId(example.Id);
        WriteText(text);
        WriteTokens(ExampleColumn.StudentIds, example.Student, _student, text);
        WriteTokens(ExampleColumn.TeacherIds, example.Teacher?.Tokens, _teacher, text);
        WriteHalves(ExampleColumn.LikelihoodHigh, Rounded(example.Teacher?.Scores.NegLogLikelihood));
        WriteHalves(ExampleColumn.BoundaryHigh, Rounded(example.Teacher?.Scores.NegLogBoundary ?? example.Teacher?.Scores.Interval?.NegLogLower));
        ChunkCodec.Write(example.Chunks, example.Teacher?.Tokens, example.Student, _first);
        WriteBin(ExampleColumn.Chunks, _first);
        WriteHidden(example.Teacher?.Hidden);
        if (version > ShardFormat.FirstVersion)
            WriteHalves(ExampleColumn.BoundaryUpperHigh, Rounded(example.Teacher?.Scores.Interval?.NegLogUpper));
        if (version >= ShardFormat.NextBytesVersion)
            WriteNextBytes(example.Teacher?.Bytes);

        Records++;
        TeacherTokens += example.Teacher?.Tokens.Count ?? 0;
        StudentTokens += example.Student.Count;
        Chunks += example.Chunks.Length;
        Bytes = _columns.Sum(c => (long)c.WrittenCount);
    }

    /// <summary>Empties all columns, for the next block.</summary>
    public void Reset()
    {
        foreach (ArrayBufferWriter<byte> column in _columns)
            column.ResetWrittenCount();
        Array.Clear(_rawBytes);
        _student.Reset();
        _teacher.Reset();
        (Records, TeacherTokens, StudentTokens, Chunks, Bytes) = (0, 0, 0, 0, 0);
    }

    private static byte[] EncodeText(Example example)
    {
        try
        {
            return MessagePackBytes.StrictUtf8.GetBytes(example.Text);
        }
        catch (EncoderFallbackException e)
        {
            throw new InvalidOperationException($"example {example.Id}: the text has a lone surrogate at {e.Index}; text is made well-formed before it is tokenized", e);
        }
    }

    private void WriteId(DocumentId id)
    {
        var writer = new MessagePackWriter(_columns[(int)ExampleColumn.Id]);
        writer.WriteArrayHeader(3);
        writer.WriteUInt64(id.File);
        writer.Write(id.Row);
        writer.Write(id.Part);
        writer.Flush();
        Tally(ShardPart.Text, ExampleColumns.IdBytes);
    }

    private void WriteText(byte[] text)
    {
        var writer = new MessagePackWriter(_columns[(int)ExampleColumn.Text]);
        writer.WriteString(text);
        writer.Flush();
        Tally(ShardPart.Text, text.Length);
    }

    // A side has four columns in a row: ids, lengths, units, loss mask.
    private void WriteTokens(ExampleColumn ids, TokenSequence? tokens, TokenCodec codec, byte[] text)
    {
        if (tokens is null)
        {
            for (int i = 0; i < 4; i++)
                WriteNil(ids + i);
            return;
        }
        codec.Write(tokens, text, _first, _second);
        WriteBin(ids, _first);
        WriteBin(ids + 1, _second);
        if (tokens.Units is { } units)
        {
            RunLengths.Write(units, _first);
            WriteBin(ids + 2, _first);
        }
        else
        {
            WriteNil(ids + 2);
        }
        if (tokens.LossMask is { } mask)
        {
            RunLengths.Write(mask, _first);
            WriteBin(ids + 3, _first);
        }
        else
        {
            WriteNil(ids + 3);
        }
    }

    private Half[]? Rounded(float[]? scores) => scores is null ? null : Array.ConvertAll(scores, s => ScoreRounding.Round(s, precision));

    private void WriteHalves(ExampleColumn high, Half[]? values)
    {
        if (values is null)
        {
            WriteNil(high);
            WriteNil(high + 1);
            return;
        }
        WritePlane(high, values, shift: 8);
        WritePlane(high + 1, values, shift: 0);
    }

    private void WritePlane(ExampleColumn column, Half[] values, int shift)
    {
        var writer = new MessagePackWriter(_columns[(int)column]);
        writer.WriteBinHeader(values.Length);
        Span<byte> plane = writer.GetSpan(values.Length);
        for (int i = 0; i < values.Length; i++)
            plane[i] = (byte)(BitConverter.HalfToUInt16Bits(values[i]) >> shift);
        writer.Advance(values.Length);
        writer.Flush();
        Tally(ExampleColumns.PartOf((int)column), values.Length);
    }

    private void WriteHidden(TeacherHidden? hidden)
    {
        if (hidden is null)
        {
            WriteNil(ExampleColumn.HiddenShape);
        }
        else
        {
            var writer = new MessagePackWriter(_columns[(int)ExampleColumn.HiddenShape]);
            writer.WriteArrayHeader(hidden.Layers.Length + 1);
            writer.Write(hidden.Width);
            foreach (int layer in hidden.Layers)
                writer.Write(layer);
            writer.Flush();
        }
        WriteHalves(ExampleColumn.HiddenHigh, hidden?.Values);
    }

    private void WriteNextBytes(TeacherBytes? bytes)
    {
        if (bytes is null)
        {
            WriteNil(ExampleColumn.NextByteRows);
            WriteNil(ExampleColumn.NextByteSymbols);
            WriteHalves(ExampleColumn.NextByteHigh, null);
            return;
        }
        Half[] numbers = NextByteCodec.Write(bytes, nextBytes, _first, _second);
        WriteBin(ExampleColumn.NextByteRows, _first);
        WriteBin(ExampleColumn.NextByteSymbols, _second);
        WriteHalves(ExampleColumn.NextByteHigh, numbers);
    }

    private void WriteBin(ExampleColumn column, ArrayBufferWriter<byte> value)
    {
        var writer = new MessagePackWriter(_columns[(int)column]);
        writer.Write(value.WrittenSpan);
        writer.Flush();
        Tally(ExampleColumns.PartOf((int)column), value.WrittenCount);
        value.ResetWrittenCount();
    }

    private void WriteNil(ExampleColumn column)
    {
        var writer = new MessagePackWriter(_columns[(int)column]);
        writer.WriteNil();
        writer.Flush();
    }

    private void Tally(ShardPart part, long bytes) => _rawBytes[(int)part] += bytes;
}
