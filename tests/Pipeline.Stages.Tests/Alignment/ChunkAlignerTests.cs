using Pipeline.Contracts.Records;
using Pipeline.Stages.Alignment;

namespace Pipeline.Stages.Tests.Alignment;

public sealed class ChunkAlignerTests
{
    private const ushort Header = UnitLabels.FirstTemplateUnit;

    [Fact]
    public void A_chunk_closes_where_both_sides_end_on_the_same_byte()
        => Assert.Equal(
            [new Chunk(0, 1, 0, 2), new Chunk(1, 3, 2, 3)],
            ChunkAligner.Align(Text(5, 7, 9), Text(2, 5, 9)));

    [Fact]
    public void Nothing_aligns_with_nothing() => Assert.Empty(ChunkAligner.Align(Text(), Text(1, 2)));

    [Fact]
    public void A_token_without_bytes_belongs_to_the_text_after_it()
        => Assert.Equal(
            [new Chunk(0, 2, 0, 1), new Chunk(2, 4, 1, 2)],
            ChunkAligner.Align(Text(0, 3, 3, 5), Text(3, 5)));

    [Fact]
    public void A_token_without_bytes_at_the_end_belongs_to_no_chunk()
        => Assert.Equal([new Chunk(0, 1, 0, 1)], ChunkAligner.Align(Text(3, 3), Text(3)));

    [Fact]
    public void A_token_without_bytes_before_a_mark_belongs_to_no_chunk()
        => Assert.Equal(
            [new Chunk(1, 2, 0, 1), new Chunk(2, 4, 1, 2)],
            ChunkAligner.Align(
                Marked((0, UnitLabels.Text), (0, UnitLabels.Bos), (0, UnitLabels.Text), (3, UnitLabels.Text)),
                Marked((0, UnitLabels.Bos), (3, UnitLabels.Text))));

    [Fact]
    public void A_run_of_one_label_is_one_unit_whatever_its_length()
        => Assert.Equal(
            [new Chunk(0, 2, 0, 1), new Chunk(2, 3, 1, 2)],
            ChunkAligner.Align(
                Marked((0, Header), (0, Header), (4, UnitLabels.Text)),
                Marked((0, Header), (4, UnitLabels.Text))));

    [Fact]
    public void A_unit_that_the_other_side_lacks_belongs_to_no_chunk()
        => Assert.Equal(
            [new Chunk(0, 1, 1, 2), new Chunk(1, 2, 2, 3)],
            ChunkAligner.Align(
                Marked((2, UnitLabels.Text), (2, UnitLabels.Eos)),
                Marked((0, UnitLabels.Bos), (2, UnitLabels.Text), (2, UnitLabels.Eos))));

    [Fact]
    public void Unpaired_marks_have_no_partner_even_on_both_sides()
        => Assert.Equal(
            [new Chunk(1, 2, 1, 2)],
            ChunkAligner.Align(
                Marked((0, UnitLabels.Unpaired), (2, UnitLabels.Text)),
                Marked((0, UnitLabels.Unpaired), (2, UnitLabels.Text))));

    [Fact]
    public void Text_does_not_reach_over_a_mark_inside_the_other_sides_token()
        => Assert.Equal(
            [new Chunk(2, 3, 3, 4)],
            ChunkAligner.Align(
                Marked((4, UnitLabels.Text), (5, UnitLabels.Text), (6, UnitLabels.Text)),
                Marked((2, UnitLabels.Text), (2, Header), (5, UnitLabels.Text), (6, UnitLabels.Text))));

    [Fact]
    public void Units_keep_their_order()
        => Assert.Equal(
            [new Chunk(0, 1, 1, 2)],
            ChunkAligner.Align(
                Marked((0, Header), (0, Header + 1)),
                Marked((0, Header + 1), (0, Header))));

    [Fact]
    public void Thousands_of_turns_without_text_align_unit_by_unit()
    {
        (int, ushort)[] units = [.. Enumerable.Range(0, 40_000).Select(i => (0, (ushort)(Header + i)))];
        Chunk[] chunks = ChunkAligner.Align(Marked(units), Marked([.. units.Where((_, i) => i % 3 != 0)]));
        Assert.Equal(units.Length * 2 / 3, chunks.Length);
    }

    [Fact]
    public void Labels_for_some_tokens_only_are_refused()
        => Assert.Throws<ArgumentException>(() => ChunkAligner.Align([1, 2], [0], [2], [], new Chunk[1]));

    [Fact]
    public void Too_little_room_is_refused()
        => Assert.Throws<ArgumentException>(() => ChunkAligner.Align([1, 2], [], [1, 2], [], new Chunk[1]));

    [Fact]
    public void The_core_allocates_nothing()
    {
        int[] teacher = [.. Enumerable.Range(1, 2000)], student = [.. Enumerable.Range(1, 1000).Select(i => 2 * i)];
        ushort[] units = new ushort[2000];
        units[0] = UnitLabels.Bos;
        Chunk[] chunks = new Chunk[1000];
        ChunkAligner.Align(teacher, units, student, [], chunks);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ChunkAligner.Align(teacher, [], student, [], chunks);
        ChunkAligner.Align(teacher, units, student, [], chunks);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static TokenSequence Text(params int[] ends) => new(new int[ends.Length], ends);

    private static TokenSequence Marked(params (int End, ushort Label)[] tokens)
        => new(new int[tokens.Length], [.. tokens.Select(t => t.End)], [.. tokens.Select(t => t.Label)]);
}
