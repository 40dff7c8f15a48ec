using Pipeline.Contracts.Records;

namespace Pipeline.Host.Graph;

/// <summary>Bytes that a record holds, near enough to bound a queue: a document may be 64 MiB, so that a bound by count alone bounds nothing.</summary>
internal static class RecordWeight
{
    private const long Overhead = 64;

    public static long Of(object? record) => record switch
    {
        TextDocument d => Overhead + Text(d.Text) + (d.Messages?.Sum(m => Text(m.Content) + Text(m.Fields ?? "")) ?? 0) + Text(d.Fields ?? ""),
        TokenizedPair p => Overhead + Text(p.Text) + Tokens(p.Teacher) + Tokens(p.Student),
        AlignedPair p => Overhead + Text(p.Text) + Tokens(p.Teacher) + Tokens(p.Student) + Chunks(p.Chunks),
        Example e => Example(e),
        OrderedExample o => Example(o.Example),
        StudentBatch b => b.Examples.Sum(Example),
        string s => Text(s),
        _ => Overhead,
    };

    private static long Example(Example e)
        => Overhead + Text(e.Text) + Tokens(e.Student) + Chunks(e.Chunks)
            + (e.Teacher is null ? 0 : Tokens(e.Teacher.Tokens) + 8L * e.Teacher.Scores.NegLogLikelihood.Length + 2L * (e.Teacher.Hidden?.Values.Length ?? 0));

    private static long Text(string text) => 2L * text.Length;

    private static long Tokens(TokenSequence s) => 11L * s.Count;

    private static long Chunks(Chunk[] chunks) => 16L * chunks.Length;
}
