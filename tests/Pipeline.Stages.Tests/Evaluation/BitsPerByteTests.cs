using System.Text;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Stages.Tests.Evaluation;

public sealed class BitsPerByteTests
{
    [Fact]
    public void A_uniform_choice_of_256_costs_eight_bits_a_byte()
        => Assert.Equal(8, BitsPerByte.Of(BitsPerByte.Bits(1000 * -Math.Log(256), 0), 1000), 12);

    [Fact]
    public void A_byte_without_a_score_costs_eight_bits()
        => Assert.Equal(24 + 2, BitsPerByte.Bits(-2 * Math.Log(2), 3), 12);

    [Theory]
    [InlineData(5, 3, 1, 0.5)]
    [InlineData(5, 1, 1, 1)]
    [InlineData(5, 0.5, 1, 1.125)]
    [InlineData(5, 6, 1, -0.25)]
    public void The_gap_closed_is_the_share_of_the_way_to_the_teacher(double before, double after, double teacher, double share)
        => Assert.Equal(share, BitsPerByte.GapClosed(before, after, teacher)!.Value, 12);

    [Fact]
    public void Without_a_gap_there_is_no_share() => Assert.Null(BitsPerByte.GapClosed(1, 0.5, 1));

    [Fact]
    public void Agreement_is_in_the_report_and_has_columns_only_where_it_was_asked_for()
    {
        ModelResult teacher = new("teacher", "/m", 1.25, 6250, 1200, 0.24, 0, "f00"), student = new("student", "/s", 2.5, 12500, 5000, 1, 12, "ba5");
        var without = new EvaluationReport(1024, 3, 7, 5000, false, [teacher, student], null);
        EvaluationReport with = without with
        {
            Models = [teacher, student with { Agreement = 0.93456, AgreementOffsets = 1193 }, student with { Name = "none", AgreementOffsets = 0 }],
            AgreementWith = "teacher",
        };

        string json = Encoding.UTF8.GetString(EvaluationTable.ToJson(without));
        Assert.DoesNotContain("agreement", json, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("agree", string.Join('\n', EvaluationTable.Lines(without)), StringComparison.Ordinal);
        Assert.Equal(new double?[] { null, null }, EvaluationTable.FromJson(Encoding.UTF8.GetBytes(json)).Models.Select(m => m.Agreement));

        EvaluationReport read = EvaluationTable.FromJson(EvaluationTable.ToJson(with));
        Assert.Equal(("teacher", 0.93456, 1193L), (read.AgreementWith, read.Models[1].Agreement, read.Models[1].AgreementOffsets));
        Assert.Equal((null, null), (read.Models[0].Agreement, read.Models[0].AgreementOffsets));
        Assert.Equal(
            [
                "model    bits per byte  tokens  tokens per byte  agrees with teacher  offsets",
                "teacher         1.2500   1,200            0.240                    -        -",
                "student         2.5000   5,000            1.000              93.46 %    1,193",
                "none            2.5000   5,000            1.000                    -        0",
            ],
            EvaluationTable.Lines(read).Take(4));
    }

    [Fact]
    public void A_report_is_read_as_it_was_written_and_printed_as_a_table()
    {
        var report = new EvaluationReport(
            1024, 3, 7, 5000, true,
            [new ModelResult("teacher", "/m", 1.25, 6250, 1200, 0.24, 0, "f00"), new ModelResult("student", "/s", 2.5, 12500, 5000, 1, 12, "ba5")],
            new GapResult("student-initial", "student", "teacher", 0.875));

        EvaluationReport read = EvaluationTable.FromJson(EvaluationTable.ToJson(report));

        Assert.Equal(EvaluationTable.ToJson(report), EvaluationTable.ToJson(read));
        Assert.Contains("\"bitsPerByte\": 1.25", Encoding.UTF8.GetString(EvaluationTable.ToJson(report)), StringComparison.Ordinal);
        Assert.Equal(
            [
                "model    bits per byte  tokens  tokens per byte",
                "teacher         1.2500   1,200            0.240",
                "student         2.5000   5,000            1.000",
                "3 documents, 5,000 bytes, 7 windows of at most 1,024 bytes",
                "there was more input; text beyond maxBytes was not judged",
                "training closed 87.5 % of the gap between student-initial and teacher",
            ],
            EvaluationTable.Lines(report));
    }
}
