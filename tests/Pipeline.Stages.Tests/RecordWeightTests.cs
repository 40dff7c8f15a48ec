using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Tests;

/// <summary>A queue is bounded by what records say they weigh: about what their arrays and texts hold, and never far less.</summary>
public class RecordWeightTests
{
    private static readonly TokenSequence Tokens = new([.. Enumerable.Range(0, 1000)], [.. Enumerable.Range(0, 1000)], new ushort[1000], new bool[1000]);
    private static readonly Chunk[] Chunks = new Chunk[500];
    private static readonly string Text = new('x', 2000);

    public static TheoryData<string, IRecord, long> Records()
    {
        var id = new DocumentId(1, 2, 3);
        long tokens = 1000 * (sizeof(int) + sizeof(int) + sizeof(ushort) + sizeof(bool)), chunks = 500 * 4 * sizeof(int), text = 2000 * sizeof(char);
        var teacher = new TeacherView(
            Tokens, new TeacherScores(new float[1000], new float[1000]), new TeacherHidden([1], 64, new Half[500 * 64]),
            new TeacherBytes(new int[2002], new byte[9000], new float[9000], new float[2001], new float[2001]));
        long said = tokens + 2 * 1000 * sizeof(float) + 2 * 500 * 64 + 9000 * (sizeof(byte) + sizeof(float)) + 2001 * 3 * sizeof(float);
        var example = new Example(id, Text, Tokens, teacher, Chunks);
        long whole = text + tokens + chunks + said;
        return new()
        {
            { "text", new TextDocument(id, Text), text },
            { "conversation", new TextDocument(id, "", [new ChatMessage("user", Text), new ChatMessage("assistant", Text, Text)], Text), 4 * text },
            { "aligned", new AlignedPair(id, Text, Tokens, Tokens, Chunks), text + 2 * tokens + chunks },
            { "example", example, whole },
            { "example without a teacher", example with { Teacher = null }, text + tokens + chunks },
            { "ordered", new OrderedExample(7, example), whole },
            { "batch", new StudentBatch([example, example, example], 1000, default), 3 * whole },
            { "match", new TokenMatch(1, 2, 3), 12 },
        };
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void It_is_what_the_record_holds(string name, IRecord record, long bytes)
        => Assert.True(record.Weight >= bytes && record.Weight <= bytes + 64 + bytes / 50, $"{name} weighs {record.Weight}, holds {bytes}");

    [Fact]
    public void The_id_is_the_document_s()
    {
        var id = new DocumentId(1, 2, 3);
        Assert.Equal(id, ((IRecord)new TextDocument(id, "")).Id);
        Assert.Equal(id, ((IRecord)new OrderedExample(9, new Example(id, "", Tokens, null, []))).Id);
        Assert.Null(((IRecord)new StudentBatch([], 0, default)).Id);
    }
}
