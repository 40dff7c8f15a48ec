using Pipeline.Contracts.Records;
using Pipeline.Stages.Text.Problems;

namespace Pipeline.Stages.Tests.Text.Problems;

public sealed class CorpusTests : IDisposable
{
    private readonly StageHarness _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("train-00.parquet", nameof(ProblemSplit.Train), 0, 2000)]
    [InlineData("train-01.parquet", nameof(ProblemSplit.Train), 2000, 2000)]
    [InlineData("test.parquet", nameof(ProblemSplit.Test), 0, 300)]
    public async Task The_text_in_the_repository_is_what_the_generator_makes(string name, string splitName, int first, int documents)
    {
        ProblemSplit split = Enum.Parse<ProblemSplit>(splitName);
        string path = Path.Combine(Root(), "data", "text", name);
        List<TextDocument> kept = await StageHarness.ReadAsync(Made.ReadParquet(new() { Files = [path] }, _run.Context()));
        List<TextDocument> made = await StageHarness.ReadAsync(
            Made.GenerateProblems(new() { Documents = documents, First = first, Split = split }, _run.Context(seed: 17)));
        Assert.Equal(made.Select(d => d.Text), kept.Select(d => d.Text));
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Alm.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the tests run outside the repository");
    }
}
