using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Host.Pages;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Host.Tests.Pages;

/// <summary>The page of a run with every section, from a report made here.</summary>
public sealed class ReportPageTests
{
    private static readonly MachineFacts Machine = new("alm test", "a processor", 2, 24L << 30, "a system", 5 << 20);

    [Fact]
    public void A_run_is_one_file_with_every_section_and_nothing_from_elsewhere()
    {
        string page = ReportPage.Of(Record(), Machine, new DateTimeOffset(2026, 1, 2, 3, 4, 0, TimeSpan.Zero));
        foreach (string section in new[] { "result", "learning", "texts", "data", "cost", "definition" })
            Assert.Contains($"<section id=\"{section}\">", page, StringComparison.Ordinal);
        Assert.Contains("closed by student", page, StringComparison.Ordinal);
        Assert.Contains("too long", page, StringComparison.Ordinal);
        Assert.Contains("class=\"chunk\" style=\"--t:0.25;--s:1\"", page, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;hello", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>hello", page, StringComparison.Ordinal);
        foreach (string fetch in new[] { "src=\"http", "href=\"http", "@import", "<link" })
            Assert.DoesNotContain(fetch, page, StringComparison.Ordinal);
        Assert.InRange(Encoding.UTF8.GetByteCount(page), 1, 3_000_000);
    }

    [Fact]
    public void A_long_curve_is_averaged_and_says_so()
    {
        string page = ReportPage.Of(Record() with { Metrics = [new("distill", "loss/alm", 3, [.. Enumerable.Range(1, 2000).Select(i => (3L * i, 1.0 / i))], 0.5)] }, Machine, default);
        Assert.Contains("each point is the mean of 12", page, StringComparison.Ordinal);
        Assert.InRange(Encoding.UTF8.GetByteCount(page), 1, 300_000);
    }

    private static RunRecord Record()
    {
        var judged = new EvaluationReport(
            64, 2, 3, 100, false, [new("teacher", "m", 0.5, 50, 20, 0.2, 0, "t"), new("student", "n", 0.75, 75, 100, 1, 0, "b")], new GapResult("before", "student", "teacher", 0.9))
        {
            Differing = [new DifferingTexts("teacher", "student", [new("doc 1", 8, 8, 40, [new("<b>hello", 8, 8, 40)])])],
        };
        return new RunRecord("tiny", "runs/tiny", JsonNode.Parse($$"""
            { "run": "tiny", "definition": "abc", "seed": 3,
              "flows": { "score": { "seconds": 12.5, "stages": [ { "stage": "tokenize", "in": 10, "out": 9, "rejected": 1, "rejectedBy": { "too long": 1 },
                "counts": { "chunks": 40, "teacherTokens": 50, "studentTokens": 90, "bytes": 95, "tokens": 50, "shardBytes": 200 } } ] } },
              "parts": { "judgement": {{Encoding.UTF8.GetString(EvaluationTable.ToJson(judged))}} } }
            """)!.AsObject(), [new("distill", "loss/alm", 1, [(1, 2.5), (2, 1.5)], 1.5)], "{ \"name\": \"tiny\" }");
    }
}
