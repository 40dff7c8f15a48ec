using System.Text;
using CsCheck;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Tests.Shards;

/// <summary>Examples for tests: as they come from a run, and as nothing but a generator would make them.</summary>
internal static class ExampleSamples
{
    private static readonly string[] Words =
        ["Tom", "has", "12", "apples", "and", "gives", "half", "of", "them", "to", "Ann", ".", "How", "many", "are", "left", "?", "naïve", "übrig", "三", "个", "<<48/2=24>>"];

    /// <summary>Anything a shard must give back exactly.</summary>
    public static Gen<Example> Any { get; } =
        from file in Gen.ULong
        from row in Gen.Long
        from part in Gen.Int
        from text in Gen.OneOf(Gen.String[Gen.Char['a', 'z'], 0, 40], Gen.String[Pick('é', '漢', ' ', '\0', 'x', '\n'), 0, 40])
        from bytewise in Gen.Bool
        from student in Tokens(bytewise ? Encoding.UTF8.GetBytes(text) : null)
        from teacher in Gen.Null(Tokens(null))
        from chunkSteps in Gen.Int[0, 3].Array[4].Array[0, 12]
        from halves in Gen.UShort.Where(h => Half.IsFinite(BitConverter.UInt16BitsToHalf(h))).Array[teacher?.Count ?? 0].Array[2]
        from layers in Gen.Null(Gen.Int.Array[0, 3])
        from width in Gen.Int[0, 4]
        select Build(new DocumentId(file, row, part), text, student, teacher, chunkSteps, halves, layers, width);

    /// <summary>A record as a run makes it: a teacher's tokens of about four bytes, a student of bytes with marks at both ends.</summary>
    public static Example Realistic(int row, bool bytesStudent = true, int words = 60, int hiddenWidth = 0)
    {
        var random = new Random(row * 7919);
        var text = new StringBuilder();
        var teacherIds = new List<int> { 50_000 };
        var teacherEnds = new List<int> { 0 };
        for (int i = 0; i < words; i++)
        {
            int word = random.Next(Words.Length);
            text.Append(i == 0 ? "" : " ").Append(Words[word]);
            teacherIds.Add(200 + (word * 37));
            teacherEnds.Add(Encoding.UTF8.GetByteCount(text.ToString()));
        }
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        TokenSequence teacher = new([.. teacherIds], [.. teacherEnds], [UnitLabels.Bos, .. new ushort[words]]);
        TokenSequence student = bytesStudent
            ? new([256, .. bytes.Select(b => (int)b), 257], [0, .. Enumerable.Range(1, bytes.Length), bytes.Length],
                [UnitLabels.Bos, .. new ushort[bytes.Length], UnitLabels.Eos])
            : teacher with { Ids = [.. teacherIds.Select(id => id + 3)] };
        var chunks = new Chunk[words + 1];
        chunks[0] = new Chunk(0, 1, 0, 1);
        for (int i = 1; i <= words; i++)
            chunks[i] = bytesStudent ? new Chunk(i, i + 1, teacherEnds[i - 1] + 1, teacherEnds[i] + 1) : new Chunk(i, i + 1, i, i + 1);
        float Draw() => (float)(Half)(-Math.Log(1 - random.NextDouble()) * Math.Exp(random.NextDouble() * 4 - 3));
        var scores = new TeacherScores([.. teacherIds.Select(_ => Draw())], [.. teacherIds.Select(_ => Draw())]);
        TeacherHidden? hidden = hiddenWidth == 0
            ? null
            : new([0, 3], hiddenWidth, [.. Enumerable.Range(0, 2 * chunks.Length * hiddenWidth).Select(_ => (Half)(random.NextDouble() - 0.5))]);
        return new Example(new DocumentId(0xABCDEF0123456789, row, 0), text.ToString(), student, new TeacherView(teacher, scores, hidden), chunks);
    }

    /// <summary>With next bytes of all kinds: rows that name none, few or all, with an end or none, with a rest or none, and rows without a condition.</summary>
    public static Example WithNextBytes(Example example, int seed)
    {
        if (example.Teacher is null)
            return example;
        var random = new Random(seed);
        int rows = Encoding.UTF8.GetByteCount(example.Text) + 1;
        var starts = new List<int> { 0 };
        var symbols = new List<byte>();
        float[] end = new float[rows], rest = new float[rows];
        float Draw() => (float)(Half)(-Math.Log(1 - random.NextDouble()) * 4);
        for (int row = 0; row < rows; row++)
        {
            int kind = random.Next(8), count = kind == 0 ? 0 : kind == 1 ? 256 : random.Next(6);
            symbols.AddRange(Enumerable.Range(0, 256).OrderBy(_ => random.Next()).Take(count).Order().Select(b => (byte)b));
            starts.Add(symbols.Count);
            end[row] = kind == 0 || random.Next(2) == 0 ? float.PositiveInfinity : Draw();
            rest[row] = count == 0 && float.IsPositiveInfinity(end[row]) ? 0 : random.Next(4) == 0 ? float.PositiveInfinity : Draw();
        }
        return example with { Teacher = example.Teacher with { Bytes = new TeacherBytes([.. starts], [.. symbols], [.. symbols.Select(_ => Draw())], end, rest) } };
    }

    /// <summary>A text that says everything there is in an example, so that two can be compared.</summary>
    public static string Print(Example e)
    {
        string Sequence(TokenSequence? t) => t is null ? "null"
            : $"[{string.Join(',', t.Ids)}|{string.Join(',', t.ByteEnds)}|{(t.Units is null ? "null" : string.Join(',', t.Units))}|{(t.LossMask is null ? "null" : string.Join(',', t.LossMask))}]";
        string Halves(Half[]? h) => h is null ? "null" : string.Join(',', h.Select(BitConverter.HalfToUInt16Bits));
        string Bounds(BoundaryInterval? b) => b is null ? "" : $" in {Floats(b.NegLogLower)}..{Floats(b.NegLogUpper)}";
        string Floats(float[]? f) => f is null ? "null" : string.Join(',', f.Select(BitConverter.SingleToUInt32Bits));
        TeacherHidden? hidden = e.Teacher?.Hidden;
        return $"{e.Id.File}/{e.Id.Row}/{e.Id.Part} '{e.Text}' {Sequence(e.Student)} {Sequence(e.Teacher?.Tokens)} {Floats(e.Teacher?.Scores.NegLogLikelihood)} "
            + $"{Floats(e.Teacher?.Scores.NegLogBoundary)}{Bounds(e.Teacher?.Scores.Interval)} {string.Join(',', e.Chunks)} "
            + (hidden is null ? "null" : $"{string.Join(',', hidden.Layers)}|{hidden.Width}|{Halves(hidden.Values)}")
            + (e.Teacher?.Bytes is not { } b ? "" : $" {string.Join(',', b.Starts)}|{string.Join(',', b.Symbols)}|{Floats(b.NegLogProbabilities)}|{Floats(b.NegLogEnd)}|{Floats(b.NegLogRest)}");
    }

    private static Gen<TokenSequence> Tokens(byte[]? bytewiseText)
    {
        Gen<(int Id, int Length)> token = Gen.Select(Gen.OneOf(Gen.Int, Gen.Int[0, 300]), Gen.OneOf(Gen.Int[0, 6], Gen.Const(1)));
        Gen<(int Id, int Length)[]> tokens = bytewiseText is null
            ? token.Array[0, 30]
            : Gen.Const(bytewiseText.Select(b => ((int)b, 1)).Append((300, 0)).ToArray());
        return from t in tokens
               from units in Gen.Null(Pick<ushort>(0, 1, 16, ushort.MaxValue).Array[t.Length])
               from mask in Gen.Null(Gen.Bool.Array[t.Length])
               select new TokenSequence([.. t.Select(x => x.Id)], Ends(t), units, mask);
    }

    private static Gen<T> Pick<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static int[] Ends((int Id, int Length)[] tokens)
    {
        int end = 0;
        return [.. tokens.Select(t => end += t.Length)];
    }

    private static Example Build(
        DocumentId id, string text, TokenSequence student, TokenSequence? teacher, int[][] steps, ushort[][] halves, int[]? layers, int width)
    {
        var chunks = new List<Chunk>();
        (int t, int s) = (0, 0);
        foreach (int[] step in steps)
        {
            var chunk = new Chunk(t + step[0], t + step[0] + step[1], s + step[2], s + step[2] + step[3]);
            if (chunk.TeacherEnd > (teacher?.Count ?? 0) || chunk.StudentEnd > student.Count)
                break;
            (t, s) = (chunk.TeacherEnd, chunk.StudentEnd);
            chunks.Add(chunk);
        }
        if (teacher is null)
            return new Example(id, text, student, null, [.. chunks]);
        float[] ToHalves(ushort[] bits) => [.. bits.Select(b => (float)BitConverter.UInt16BitsToHalf(b))];
        TeacherHidden? hidden = layers is null ? null : new(layers, width, [.. Enumerable.Range(0, layers.Length * chunks.Count * width).Select(i => (Half)i)]);
        return new Example(id, text, student, new TeacherView(teacher, new TeacherScores(ToHalves(halves[0]), ToHalves(halves[1])), hidden), [.. chunks]);
    }
}
