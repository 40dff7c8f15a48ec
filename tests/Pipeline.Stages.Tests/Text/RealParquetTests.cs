using Pipeline.Contracts.Records;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Text;

/// <summary>Compares what is read from published files with what another reader finds in them.</summary>
public sealed class RealParquetTests(ITestOutputHelper output) : IDisposable
{
    private readonly StageHarness _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("gsm8k-train.parquet", "text", 7473)]
    [InlineData("gsm8k-train.parquet", "question", 7473)]
    [InlineData("wikitext2-valid.parquet", "text", 60)]
    [InlineData("shakespeare.parquet", "text", 602)]
    public async Task Texts_are_those_DuckDB_reads(string name, string column, int rows)
    {
        if (SharedFolder.Path is not { } shared)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        string path = Path.Combine(shared, "data", name);
        List<TextDocument> documents = await StageHarness.ReadAsync(Made.ReadParquet(new() { Files = [path], Column = column }, _run.Context()));
        Assert.Equal(rows, documents.Count);
        Assert.Equal(Duck.Texts($"SELECT \"{column}\" FROM '{path}'"), documents.Select(d => d.Text));
    }

    [Fact]
    public async Task Conversations_are_those_DuckDB_reads()
    {
        if (SharedFolder.Path is not { } shared)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        string path = Path.Combine(shared, "data", "gsm8k-chat-train.parquet");
        List<TextDocument> documents = await StageHarness.ReadAsync(Made.ReadParquet(new() { Files = [path], Messages = "messages" }, _run.Context()));
        Assert.Equal(
            Duck.Texts($"SELECT list_aggregate(list_transform(messages, lambda m: m.role || '|' || m.content), 'string_agg', '~') FROM '{path}'"),
            documents.Select(d => string.Join('~', d.Messages!.Select(m => $"{m.Role}|{m.Content}"))));
        Assert.Empty(_run.Rejected);
    }
}
