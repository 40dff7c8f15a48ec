using Pipeline.Contracts.Errors;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Extending;

public sealed class KeepLongTests
{
    [Fact]
    public async Task Short_texts_are_rejected_by_name_and_long_ones_go_on()
    {
        using var folder = new TemporaryFolder();
        string texts = folder.Write("texts.jsonl", """
            {"text": "short"}
            {"text": "long enough"}
            """);
        string definition = folder.Write("d.json", Alm.Definition($$"""
            { "stage": "read-jsonl", "files": ["{{texts}}"] },
            { "stage": "keep-long", "minBytes": 6 },
            { "stage": "write-parquet", "to": "kept" }
            """));

        AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", folder["run"]], stages: [.. StageTable.All, KeepLongMap.Registration]);

        Assert.Equal(ExitCodes.Success, answer.Code);
        Assert.Contains("5 bytes, expected at least 6", await File.ReadAllTextAsync(folder["run/rejects.jsonl"]), StringComparison.Ordinal);
    }
}
