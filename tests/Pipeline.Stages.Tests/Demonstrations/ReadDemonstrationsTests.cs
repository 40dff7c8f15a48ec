using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Demonstrations;
using Pipeline.Stages.Tests.Text;

namespace Pipeline.Stages.Tests.Demonstrations;

public sealed class ReadDemonstrationsTests : IDisposable
{
    private readonly StageHarness _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task Rows_that_any_column_cannot_give_are_rejected_once_and_the_others_stay_together()
    {
        File.WriteAllLines(_run.PathOf("d.jsonl"),
        [
            """{"prompt": "p0", "positive": "a0", "negative": "b0"}""",
            """{"prompt": "p1", "positive": null, "negative": "b1"}""",
            """{"prompt": "p2", "positive": "", "negative": 5}""",
            "",
            "broken",
            """{"prompt": "p5", "positive": "a5", "negative": "b5"}""",
            """{"prompt": "p6", "positive": "a6"}""",
        ]);

        List<Demonstration> read = await ReadAsync(new() { Files = [_run.PathOf("d.jsonl")] });

        Assert.Equal([("p0", "a0", "b0"), ("p5", "a5", "b5")], read.Select(d => (d.Prompt.Text, d.Positive, d.Negative)));
        Assert.Equal([1L, 2, 4, 6], _run.Rejected.Select(r => r.Id.Row).Order());
        Assert.All(_run.Rejected, r => Assert.StartsWith("column '", r.Message, StringComparison.Ordinal));
        Assert.Equal((2L, 1L), (_run.Counts["demonstrations"], _run.Counts["blankLines"]));
    }

    [Fact]
    public async Task Parquet_and_lines_give_the_same_and_parts_are_the_whole()
    {
        Duck.Write(_run.PathOf("d.parquet"), "SELECT 'p' || i AS q, 'a' || i AS yes, CASE WHEN i % 7 = 3 THEN NULL ELSE 'b' || i END AS no, 'o' || i AS own FROM range(40) t(i)", "ROW_GROUP_SIZE 11");
        File.WriteAllLines(_run.PathOf("d.jsonl"), Enumerable.Range(0, 40).Select(i => $$"""{"own": "o{{i}}", "no": {{(i % 7 == 3 ? "null" : $"\"b{i}\"")}}, "yes": "a{{i}}", "q": "p{{i}}"}"""));
        ReadDemonstrationsOptions Options(string name) => new() { Files = [_run.PathOf(name)], Prompt = "q", Positive = "yes", Negative = "no", Base = "own", SkipRows = 2, MaxRows = 30 };

        List<Demonstration> lines = await ReadAsync(Options("d.jsonl")), columns = await ReadAsync(Options("d.parquet")), parts = [];
        for (int part = 0; part < 3; part++)
            parts.AddRange(await ReadAsync(Options("d.parquet"), new Partition(part, 3)));

        Assert.Equal(25, lines.Count);
        Assert.Equal(lines.Select(Texts), columns.Select(Texts));
        Assert.Equal(columns, parts);
        Assert.Equal(("p2", "a2", "b2", "o2"), Texts(lines[0]));
    }

    [Fact]
    public async Task Prompts_may_be_conversations()
    {
        File.WriteAllLines(_run.PathOf("d.jsonl"), ["""{"turns": [{"role": "user", "content": "hi"}], "positive": "yes", "negative": "no"}"""]);
        Demonstration read = (await ReadAsync(new() { Files = [_run.PathOf("d.jsonl")], Messages = "turns" })).Single();
        Assert.Equal(("user", "hi"), (read.Prompt.Messages!.Single().Role, read.Prompt.Messages!.Single().Content));
    }

    [Fact]
    public async Task A_missing_column_and_mixed_kinds_are_refused()
    {
        File.WriteAllLines(_run.PathOf("d.jsonl"), ["""{"prompt": "p", "positive": "a"}"""]);
        ReadDemonstrationsOptions options = new() { Files = [_run.PathOf("d.jsonl")] };
        Assert.Contains("'negative'", Assert.Throws<InputException>(() => Made.ReadDemonstrations(options, _run.Context()).Plan(null)).Message, StringComparison.Ordinal);
        Assert.Contains("'negative'", (await Assert.ThrowsAsync<InputException>(() => ReadAsync(options))).Message, StringComparison.Ordinal);
        Assert.Throws<DefinitionException>(() => Made.ReadDemonstrations(new() { Files = ["a.parquet", "b.jsonl"] }, _run.Context()));
    }

    private async Task<List<Demonstration>> ReadAsync(ReadDemonstrationsOptions options, Partition? partition = null)
        => await Made.ReadDemonstrations(options, _run.Context(partition)).ReadAsync(default).ToListAsync();

    private static (string, string, string, string?) Texts(Demonstration d) => (d.Prompt.Text, d.Positive, d.Negative, d.Base);
}
