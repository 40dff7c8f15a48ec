using System.Buffers;
using MessagePack;
using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Formats;

/// <summary>Decodes the columns of a block, which may come from an untrusted file.</summary>
internal sealed class ExampleBlockDecoder
{
    private readonly ReadOnlyMemory<byte>[] _columns;
    private readonly TokenCodec _student = new();
    private readonly TokenCodec _teacher = new();

    private ExampleBlockDecoder(ReadOnlyMemory<byte>[] columns) => _columns = columns;

    /// <summary>The examples of a block.</summary>
    /// <param name="columns">Every <see cref="ExampleColumn"/> that the shard's version has.</param>
    /// <param name="records">The number of values in each column.</param>
    /// <exception cref="InvalidDataException">The columns are not what <see cref="ExampleBlockEncoder"/> writes.</exception>
    public static Example[] Decode(ReadOnlyMemory<byte>[] columns, int records)
    {
        MessagePackBytes.Expect(records <= columns[(int)ExampleColumn.Id].Length, $"each of {records} records has an id");
        var decoder = new ExampleBlockDecoder([.. columns]);
        var examples = new Example[records];
        try
        {
            for (int i = 0; i < records; i++)
                examples[i] = decoder.Next();
        }
        catch (Exception e) when (MessagePackBytes.IsBadContent(e))
        {
            throw new InvalidDataException(e.Message, e);
        }
        for (int column = 0; column < columns.Length; column++)
            MessagePackBytes.Expect(decoder._columns[column].IsEmpty, $"column {column} holds {records} values and no more");
        return examples;
    }

    private Example Next()
    {
        DocumentId id = ReadId();
        ReadOnlyMemory<byte> text = ReadText();
        TokenSequence student = ReadTokens(ExampleColumn.StudentIds, _student, text.Span)
            ?? throw new InvalidDataException("expected that the student has tokens");
        TokenSequence? teacher = ReadTokens(ExampleColumn.TeacherIds, _teacher, text.Span);
        float[]? likelihood = ReadScores(ExampleColumn.LikelihoodHigh, teacher?.Count);
        float[]? boundary = ReadScores(ExampleColumn.BoundaryHigh, teacher?.Count);
        ReadOnlyMemory<byte> chunkBytes = ReadBin(ExampleColumn.Chunks) ?? throw new InvalidDataException("expected that chunks are not null");
        Chunk[] chunks = ChunkCodec.Read(chunkBytes.Span, teacher, student);
        TeacherHidden? hidden = ReadHidden(chunks.Length);
        float[]? upper = _columns.Length > (int)ExampleColumn.BoundaryUpperHigh ? ReadScores(ExampleColumn.BoundaryUpperHigh, teacher?.Count) : null;
        bool mayBeUnknown = _columns.Length > (int)ExampleColumn.BoundaryUpperHigh;
        TeacherBytes? bytes = _columns.Length > (int)ExampleColumn.NextByteRows ? ReadNextBytes(text.Length) : null;
        MessagePackBytes.Expect(teacher is null == likelihood is null && (teacher is null == boundary is null || mayBeUnknown), "a teacher has tokens and scores");
        MessagePackBytes.Expect(teacher is not null || boundary is null, "boundary masses have a teacher");
        MessagePackBytes.Expect(upper is null || boundary is not null, "a bound above has one below");
        MessagePackBytes.Expect(teacher is not null || (hidden is null && bytes is null), "hidden states and next bytes have a teacher");
        TeacherView? view = teacher is null ? null : new TeacherView(teacher, Scores(likelihood!, boundary, upper), hidden, bytes);
        return new Example(id, MessagePackBytes.StrictUtf8.GetString(text.Span), student, view, chunks);
    }

    private static TeacherScores Scores(float[] likelihood, float[]? boundary, float[]? upper)
        => upper is null ? new TeacherScores(likelihood, boundary) : new TeacherScores(likelihood, null) { Interval = new BoundaryInterval(boundary!, upper) };

    private DocumentId ReadId()
    {
        MessagePackReader reader = Begin(ExampleColumn.Id);
        MessagePackBytes.Expect(reader.ReadArrayHeader() == 3, "an id has three fields");
        var id = new DocumentId(reader.ReadUInt64(), reader.ReadInt64(), reader.ReadInt32());
        End(ExampleColumn.Id, in reader);
        return id;
    }

    private ReadOnlyMemory<byte> ReadText()
    {
        MessagePackReader reader = Begin(ExampleColumn.Text);
        ReadOnlySequence<byte> text = reader.ReadStringSequence() ?? throw new InvalidDataException("expected that the text is not null");
        End(ExampleColumn.Text, in reader);
        return text.First;
    }

    private TokenSequence? ReadTokens(ExampleColumn ids, TokenCodec codec, ReadOnlySpan<byte> text)
    {
        ReadOnlyMemory<byte>? idBytes = ReadBin(ids);
        ReadOnlyMemory<byte>? lengthBytes = ReadBin(ids + 1);
        ReadOnlyMemory<byte>? units = ReadBin(ids + 2);
        ReadOnlyMemory<byte>? mask = ReadBin(ids + 3);
        MessagePackBytes.Expect(idBytes is null == lengthBytes is null, "tokens have ids and lengths");
        if (idBytes is null)
            return null;
        TokenSequence tokens = codec.Read(idBytes.Value.Span, lengthBytes!.Value.Span, text);
        return tokens with
        {
            Units = units is null ? null : RunLengths.Read(units.Value.Span, tokens.Count),
            LossMask = mask is null ? null : RunLengths.ReadMask(mask.Value.Span, tokens.Count),
        };
    }

    // Without a teacher there can be no values.
    private float[]? ReadScores(ExampleColumn high, long? count)
        => ReadHalves(high, count ?? 0) is { } values ? Array.ConvertAll(values, v => (float)v) : null;

    // Reads as many values as the count says, or as there are if it is null.
    private Half[]? ReadHalves(ExampleColumn high, long? count = null)
    {
        ReadOnlyMemory<byte>? highBytes = ReadBin(high);
        ReadOnlyMemory<byte>? lowBytes = ReadBin(high + 1);
        MessagePackBytes.Expect(highBytes is null == lowBytes is null, "a float16 has two bytes");
        if (highBytes is null)
            return null;
        ReadOnlySpan<byte> highs = highBytes.Value.Span;
        ReadOnlySpan<byte> lows = lowBytes!.Value.Span;
        MessagePackBytes.Expect(highs.Length == lows.Length && (count is null || highs.Length == count), $"there are {count ?? highs.Length} values");
        var values = new Half[highs.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = BitConverter.UInt16BitsToHalf((ushort)((highs[i] << 8) | lows[i]));
        return values;
    }

    private TeacherHidden? ReadHidden(int chunks)
    {
        MessagePackReader reader = Begin(ExampleColumn.HiddenShape);
        if (reader.TryReadNil())
        {
            End(ExampleColumn.HiddenShape, in reader);
            MessagePackBytes.Expect(ReadHalves(ExampleColumn.HiddenHigh) is null, "hidden states have a shape");
            return null;
        }
        int fields = reader.ReadArrayHeader();
        MessagePackBytes.Expect(fields > 0, "hidden states have a width");
        int width = reader.ReadInt32();
        var layers = new int[fields - 1];
        for (int i = 0; i < layers.Length; i++)
            layers[i] = reader.ReadInt32();
        End(ExampleColumn.HiddenShape, in reader);
        MessagePackBytes.Expect(width >= 0, "a width is not negative");
        Half[] values = ReadHalves(ExampleColumn.HiddenHigh, checked((long)layers.Length * chunks * width))
            ?? throw new InvalidDataException("expected that hidden states have values");
        return new TeacherHidden(layers, width, values);
    }

    private TeacherBytes? ReadNextBytes(int textBytes)
    {
        ReadOnlyMemory<byte>? rows = ReadBin(ExampleColumn.NextByteRows), symbols = ReadBin(ExampleColumn.NextByteSymbols);
        Half[]? numbers = ReadHalves(ExampleColumn.NextByteHigh);
        MessagePackBytes.Expect(rows is null == symbols is null && rows is null == numbers is null, "next bytes have rows, bytes and numbers");
        return rows is null ? null : NextByteCodec.Read(rows.Value.Span, symbols!.Value.Span, numbers!, textBytes);
    }

    private ReadOnlyMemory<byte>? ReadBin(ExampleColumn column)
    {
        MessagePackReader reader = Begin(column);
        ReadOnlyMemory<byte>? value = reader.ReadBytes()?.First;
        End(column, in reader);
        return value;
    }

    private MessagePackReader Begin(ExampleColumn column) => new(_columns[(int)column]);

    private void End(ExampleColumn column, in MessagePackReader reader)
        => _columns[(int)column] = _columns[(int)column][(int)reader.Consumed..];
}
