using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Text;

/// <summary>Files on which the sources once failed: all of this kind in the shared folder <c>cases</c>.</summary>
public sealed class CaseTests(ITestOutputHelper output) : IDisposable
{
    private readonly StageHarness _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_cut_or_damaged_gzip_file_is_refused()
    {
        foreach (string file in CaseFolder.Files("F01", "*.jsonl.gz", output))
        {
            InputException error = await Assert.ThrowsAsync<InputException>(() => StageHarness.ReadAsync(Made.ReadJsonl(new() { Files = [file] }, _run.Context())));
            Assert.Contains(file, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Parquet_files_in_every_encoding_and_compression_have_the_texts_of_the_list()
    {
        foreach (string file in CaseFolder.Files("F08", "*.parquet", output))
        {
            List<TextDocument> read = await StageHarness.ReadAsync(Made.ReadParquet(new() { Files = [file] }, _run.Context()));
            string?[] texts = JsonSerializer.Deserialize<string?[]>(File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(file)!, "texts.json")))!;
            string[] expected = [.. texts.Take((int)_run.LastProgress.Total).Where(t => !string.IsNullOrEmpty(t)).Select(t => t!)];
            output.WriteLine($"{Path.GetFileName(file)}: {read.Count} texts");
            Assert.Equal(expected, read.Select(d => d.Text));
        }
    }

    [Fact]
    public async Task Messages_with_a_struct_of_the_same_names_inside_are_read()
    {
        foreach (string file in CaseFolder.Files("F12", "*.parquet", output))
            Assert.NotEmpty(await StageHarness.ReadAsync(Made.ReadParquet(new() { Files = [file], Messages = "messages" }, _run.Context())));
    }
}
