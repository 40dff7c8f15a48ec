using System.Globalization;

namespace Pipeline.Stages.Inspection;

/// <summary>A table of text cells, as a terminal shows it.</summary>
public sealed record ReportTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>Shows the report of a pair as tables.</summary>
public static class PairTables
{
    private const int MostSpecials = 12;

    /// <summary>All tables of a report, in the order in which they are shown.</summary>
    public static IReadOnlyList<ReportTable> Of(PairReport report) =>
    [
        new("Pair", ["", "teacher", "student"],
        [
            ["tokenizer", report.Teacher, report.Student],
            ["tokens of text in the vocabulary", Number(report.Vocabulary.TeacherTokens), Number(report.Vocabulary.StudentTokens)],
            ["of them with the same bytes in the other", Share(report.Vocabulary.ShareOfTeacher), Share(report.Vocabulary.ShareOfStudent)],
            ["tokens in the sample", Number(report.Text.TeacherTokens), Number(report.Text.StudentTokens)],
            ["tokens per byte", Decimal(report.Text.TeacherTokensPerByte), Decimal(report.Text.StudentTokensPerByte)],
        ]),
        new("Sample", ["documents", "bytes", "bytes covered", "chunks", "bytes per chunk", "one token to one"],
        [
            [Number(report.Text.Documents), Number(report.Text.Bytes), Share(report.Text.ShareCovered), Number(report.Text.Chunks), Decimal(report.Text.BytesPerChunk),
                Share(report.Text.Chunks == 0 ? 0 : (double)report.Text.OneToOneChunks / report.Text.Chunks)],
        ]),
        new("Tokens per chunk", ["tokens", "teacher", "student"],
            [.. report.ChunkLengths.Select(r => (IReadOnlyList<string>)[Range(r), Part(r.TeacherChunks, report), Part(r.StudentChunks, report)])]),
        new("Numbers and punctuation in the sample", ["", "runs", "cut alike", "teacher tokens per run", "student tokens per run"],
            [.. report.Runs.Select(r => (IReadOnlyList<string>)[r.Kind, Number(r.Runs), Share(Ratio(r.SameCuts, r.Runs)), Decimal(Ratio(r.TeacherTokens, r.Runs)), Decimal(Ratio(r.StudentTokens, r.Runs))])]),
        new("How they are split", ["text", "teacher", "student", "alike"],
            [.. report.Splits.Select(r => (IReadOnlyList<string>)[Visible(r.Text), Joined(r.Teacher), Joined(r.Student), r.SameCuts ? "yes" : "no"])]),
        new("Special tokens", ["", "teacher", "student"],
        [
            .. report.Specials.Paired.Where(p => p.How != "name").Select(p => (IReadOnlyList<string>)[p.How, Visible(p.Teacher), Visible(p.Student)]),
            ["same name", Number(report.Specials.Paired.Count(p => p.How == "name")), Number(report.Specials.Paired.Count(p => p.How == "name"))],
            ["without a partner", Some(report.Specials.TeacherOnly), Some(report.Specials.StudentOnly)],
            ["conversations", report.Specials.Conversation, string.Empty],
        ]),
        new("Rejected", ["reason", "documents", "for example"],
            [.. report.Rejects.Select(r => (IReadOnlyList<string>)[r.Reason, Number(r.Documents), r.Example])]),
        new("Limits", ["tokens", "teacher: documents over", "bytes beyond", "student: documents over", "bytes beyond"],
            [.. report.Limits.Select(r => (IReadOnlyList<string>)[
                Number(r.Tokens), Number(r.TeacherOver), Share(Ratio(r.TeacherBytesBeyond, report.Text.Bytes)),
                Number(r.StudentOver), Share(Ratio(r.StudentBytesBeyond, report.Text.Bytes))])]),
    ];

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Decimal(double value) => value.ToString("F3", CultureInfo.InvariantCulture);

    private static string Share(double value) => (100 * value).ToString("F1", CultureInfo.InvariantCulture) + " %";

    private static double Ratio(long part, long whole) => whole == 0 ? 0 : (double)part / whole;

    private static string Part(long chunks, PairReport report) => Share(Ratio(chunks, report.Text.Chunks));

    private static string Range(ChunkLengthRow row)
        => row.To is not { } to ? Number(row.From) + " and more" : to == row.From ? Number(to) : $"{Number(row.From)} to {Number(to)}";

    private static string Joined(IReadOnlyList<string> pieces) => string.Join(" | ", pieces.Select(Visible));

    private static string Visible(string text) => text.Replace("\n", "⏎", StringComparison.Ordinal).Replace(' ', '·');

    private static string Some(IReadOnlyList<string> tokens)
        => tokens.Count == 0 ? "none" : string.Join(", ", tokens.Take(MostSpecials)) + (tokens.Count > MostSpecials ? $" and {Number(tokens.Count - MostSpecials)} more" : string.Empty);
}
