using System.Text;
using System.Text.Json;

using Pipeline.Contracts.Storage;
using Pipeline.Stages.Inspection;
using Pipeline.Stages.Tests.Alignment;

using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Inspection;

public sealed class PairInspectionTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string[] Texts = ["Anna has 12 apples and 3.50 dollars.", "naïve 東京", string.Empty, "a ▁ b", "The answer is 2024."];

    private readonly ToyRun _run = new(
        "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>{% endfor %}",
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}");

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Every_byte_of_what_is_not_rejected_is_covered()
    {
        PairReport report = Inspect(_run.Student);
        Assert.Equal((3, 1.0), (report.Text.Documents, report.Text.ShareCovered));
        Assert.Equal(new[] { Texts[0], Texts[1], Texts[4] }.Sum(Encoding.UTF8.GetByteCount), report.Text.Bytes);
        Assert.Equal(report.Text.Chunks, report.ChunkLengths.Sum(r => r.TeacherChunks));
        Assert.Equal(report.Text.Chunks, report.ChunkLengths.Sum(r => r.StudentChunks));
        Assert.True(report.Text.StudentTokensPerByte > report.Text.TeacherTokensPerByte);
    }

    [Fact]
    public void Rejected_documents_are_counted_by_reason()
        => Assert.Equal(
            [("byte views differ from the text", 1L), ("text is empty", 1L)],
            Inspect(_run.Student).Rejects.Select(r => (r.Reason, r.Documents)).Order());

    [Fact]
    public void Against_bytes_every_student_token_is_a_byte()
    {
        PairReport report = Inspect("bytes");
        Assert.Equal(report.Text.Bytes, report.Text.StudentTokens);
        Assert.Equal(report.Text.TeacherTokens, report.Text.Chunks);
        Assert.Equal((256, 256), (report.Vocabulary.StudentTokens, report.Vocabulary.SameBytes));
        Assert.Equal(1.0, report.Vocabulary.ShareOfStudent);
        Assert.Empty(report.Specials.TeacherOnly);
        Assert.Empty(report.Specials.StudentOnly);
    }

    [Fact]
    public void Numbers_are_shown_piece_by_piece()
    {
        PairReport report = Inspect("bytes");
        SplitRow year = Assert.Single(report.Splits, s => s.Text == "2024");
        Assert.Equal(["2", "0", "2", "4"], year.Student);
        Assert.Equal("2024", string.Concat(year.Teacher));
        SplitRow city = Assert.Single(report.Splits, s => s.Text == "東京");
        Assert.Equal(["<E6>", "<9D>", "<B1>", "<E4>", "<BA>", "<AC>"], city.Student);
        RunFigures digits = Assert.Single(report.Runs, r => r.Kind == "digits");
        Assert.Equal((4, 9), (digits.Runs, digits.StudentTokens));
    }

    [Fact]
    public void A_dummy_space_is_no_cut()
    {
        SplitRow digit = Assert.Single(Inspect(_run.Student).Splits, s => s.Text == "7");
        Assert.Equal(["7"], digit.Student);
        Assert.True(digit.SameCuts);
    }

    [Fact]
    public void Special_tokens_are_paired_by_role_and_by_where_templates_put_them()
    {
        SpecialTokens specials = Inspect(_run.Student).Specials;
        Assert.Equal("ok", specials.Conversation);
        Assert.Contains(new SpecialPair("bos", "<|begin|>", "<s>"), specials.Paired);
        Assert.Contains(new SpecialPair("eos", "<|end|>", "</s>"), specials.Paired);
        Assert.Contains(specials.Paired, p => p.Teacher == "<|start_header_id|>" && p.Student.StartsWith("<|im_start|>", StringComparison.Ordinal));
        Assert.Contains(specials.Paired, p => p.Teacher == "<|end_header_id|>\n\n" && p.Student.Trim().Length == 0);
        Assert.Contains(specials.Paired, p => p.Teacher == "<|eot_id|>" && p.Student.StartsWith("<|im_end|>", StringComparison.Ordinal));
        Assert.Empty(specials.TeacherOnly);
        Assert.Empty(specials.StudentOnly);
    }

    [Fact]
    public void A_missing_template_is_said_and_stops_nothing()
    {
        using ToyRun run = new();
        PairReport report = PairInspection.Run(run.Teacher, run.Student, Texts, [16], new DiskStorage());
        Assert.Contains("has no chat template", report.Specials.Conversation, StringComparison.Ordinal);
        Assert.Equal(3, report.Text.Documents);
    }

    [Fact]
    public void Limits_show_what_lies_beyond_them()
    {
        PairReport report = PairInspection.Run(_run.Teacher, "bytes", [new string('a', 100)], [50, 102, 1000], new DiskStorage());
        Assert.Equal([(50, 1L, 51L), (102, 0L, 0L), (1000, 0L, 0L)], report.Limits.Select(l => (l.Tokens, l.StudentOver, l.StudentBytesBeyond)));
    }

    [Fact]
    public void The_report_is_json_and_tables()
    {
        PairReport report = Inspect(_run.Student);
        using JsonDocument json = JsonDocument.Parse(JsonSerializer.Serialize(report));
        Assert.Equal(3, json.RootElement.GetProperty("Text").GetProperty("Documents").GetInt32());
        Assert.Equal(1.0, json.RootElement.GetProperty("Text").GetProperty("ShareCovered").GetDouble());
        foreach (ReportTable table in PairTables.Of(report))
            Assert.All(table.Rows, r => Assert.Equal(table.Columns.Count, r.Count));
    }

    [Fact]
    public void Real_pairs_are_reported()
    {
        if (SharedFolder.Path is not { } shared)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        string[] texts = [.. File.ReadLines(Path.Combine(shared, "tokenizers", "gpt2", "ids.jsonl")).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("text").GetString()!)];
        PairReport report = PairInspection.Run(
            Path.Combine(shared, "tokenizers", "llama3"), Path.Combine(shared, "tokenizers", "qwen2_5"), texts, PairInspection.UsualLimits, new DiskStorage());
        foreach (ReportTable table in PairTables.Of(report))
            output.WriteLine(string.Join('\n', [table.Title, .. table.Rows.Select(r => "  " + string.Join("  ", r))]));
        Assert.Equal(1.0, report.Text.ShareCovered);
        Assert.True(report.Vocabulary.ShareOfStudent > 0.5);
    }

    private PairReport Inspect(string student) => PairInspection.Run(_run.Teacher, student, Texts, [16, 64], new DiskStorage());
}
