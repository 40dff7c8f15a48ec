using CsCheck;

using Pipeline.Contracts.Records;
using Pipeline.Stages.Alignment;

namespace Pipeline.Stages.Tests.Alignment;

public sealed class ChunkAlignerPropertyTests
{
    private static readonly Gen<int> Length = Gen.Int[0, 40];

    private static readonly Gen<ushort> Label = Gen.OneOf<ushort>(
        UnitLabels.Bos, UnitLabels.Eos, UnitLabels.Unpaired, UnitLabels.FirstTemplateUnit, UnitLabels.FirstTemplateUnit + 1);

    private static readonly Gen<(TokenSequence, TokenSequence)> PlainPairs =
        Length.SelectMany(n => Gen.Select(Side(n, marks: false), Side(n, marks: false)));

    private static readonly Gen<(TokenSequence, TokenSequence)> MarkedPairs =
        Length.SelectMany(n => Gen.Select(Side(n, marks: true), Side(n, marks: true)));

    [Fact]
    public void Chunks_of_text_cover_every_byte_once_and_in_order() => PlainPairs.Sample((teacher, student) =>
    {
        int at = 0, i = 0, j = 0;
        foreach (Chunk chunk in ChunkAligner.Align(teacher, student))
        {
            Assert.Equal((i, j), (chunk.TeacherStart, chunk.StudentStart));
            (i, j) = (chunk.TeacherEnd, chunk.StudentEnd);
            Assert.Equal(teacher.ByteEnds[i - 1], student.ByteEnds[j - 1]);
            Assert.True(teacher.ByteEnds[i - 1] > at, "a chunk without bytes");
            at = teacher.ByteEnds[i - 1];
        }
        Assert.Equal(teacher.ByteEnds.LastOrDefault(), at);
        Assert.All(teacher.ByteEnds[i..], e => Assert.Equal(at, e));
        Assert.All(student.ByteEnds[j..], e => Assert.Equal(at, e));
    }, iter: 3000);

    [Fact]
    public void No_chunk_of_text_can_be_cut_in_two() => PlainPairs.Sample((teacher, student) =>
    {
        foreach (Chunk chunk in ChunkAligner.Align(teacher, student))
        {
            int start = chunk.TeacherStart == 0 ? 0 : teacher.ByteEnds[chunk.TeacherStart - 1];
            int end = teacher.ByteEnds[chunk.TeacherEnd - 1];
            IEnumerable<int> inside = teacher.ByteEnds[chunk.TeacherStart..chunk.TeacherEnd]
                .Intersect(student.ByteEnds[chunk.StudentStart..chunk.StudentEnd])
                .Where(e => e > start && e < end);
            Assert.Empty(inside);
        }
    }, iter: 3000);

    [Fact]
    public void The_walk_and_the_slow_aligner_agree_on_text() => PlainPairs.Sample((teacher, student) =>
        Assert.Equal(SlowAligner.Align(teacher, student), ChunkAligner.Align(teacher, student)), iter: 3000);

    [Fact]
    public void The_walk_and_the_slow_aligner_agree_where_marks_stand() => MarkedPairs.Sample((teacher, student) =>
        Assert.Equal(SlowAligner.Align(teacher, student), ChunkAligner.Align(teacher, student)), iter: 3000);

    [Fact]
    public void Unit_labels_that_say_text_change_nothing() => PlainPairs.Sample((teacher, student) =>
        Assert.Equal(
            ChunkAligner.Align(teacher, student),
            ChunkAligner.Align(teacher with { Units = new ushort[teacher.Count] }, student)), iter: 3000);

    [Fact]
    public void No_chunk_mixes_marks_and_text_and_no_token_is_in_two() => MarkedPairs.Sample((teacher, student) =>
    {
        int i = 0, j = 0;
        foreach (Chunk chunk in ChunkAligner.Align(teacher, student))
        {
            Assert.True(chunk.TeacherStart >= i && chunk.StudentStart >= j);
            Assert.True(chunk.TeacherEnd > chunk.TeacherStart && chunk.StudentEnd > chunk.StudentStart);
            (i, j) = (chunk.TeacherEnd, chunk.StudentEnd);
            ushort label = Assert.Single(Enumerable.Range(chunk.TeacherStart, i - chunk.TeacherStart).Select(teacher.Unit)
                .Concat(Enumerable.Range(chunk.StudentStart, j - chunk.StudentStart).Select(student.Unit)).Distinct());
            Assert.NotEqual(UnitLabels.Unpaired, label);
        }
    }, iter: 3000);

    /// <summary>A cut of n bytes into tokens, some without bytes, with marks between them when asked for.</summary>
    private static Gen<TokenSequence> Side(int bytes, bool marks)
    {
        Gen<int[]> widths = Gen.OneOf(0, 1, 1, 1, 2, 3, 7).Array[bytes + 3];
        Gen<ushort[]> labels = (marks ? Gen.Frequency((3, Gen.Const(UnitLabels.Text)), (1, Label)) : Gen.Const(UnitLabels.Text)).Array[bytes + 3];
        return Gen.Select(widths, labels, (w, l) =>
        {
            List<int> ends = [];
            List<ushort> units = [];
            int end = 0;
            for (int i = 0; i < w.Length; i++)
            {
                end = l[i] != UnitLabels.Text ? end : Math.Min(bytes, end + w[i]);
                ends.Add(end);
                units.Add(l[i]);
            }
            if (end < bytes)
            {
                ends.Add(bytes);
                units.Add(UnitLabels.Text);
            }
            TokenSequence side = new([.. ends.Select((_, i) => i)], [.. ends], marks ? [.. units] : null);
            side.Validate();
            return side;
        });
    }
}
