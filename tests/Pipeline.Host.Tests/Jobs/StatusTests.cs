using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Tests.Jobs;

public sealed class StatusTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Parts_done_running_and_failed_are_told_from_the_folder_alone()
    {
        string run = _folder["run"];
        string definition = _folder.Write("d.json", """
            { "name": "test", "flows": [
              { "name": "score", "stages": [ { "stage": "make-texts", "count": 100 }, { "stage": "shout", "failEvery": 40 }, { "stage": "write-parts", "count": 5 } ] },
              { "name": "train", "stages": [ { "stage": "make-texts", "count": 100 }, { "stage": "train", "steps": 5 } ] } ] }
            """);
        Assert.Equal(0, (await Alm.RunAsync(["work", definition, "--run", run, "--flow", "score", "--parts", "0/5"])).Code);
        Assert.Equal(ExitCodes.Defect, (await Alm.RunAsync(["work", definition, "--run", run, "--flow", "score", "--parts", "1/5"])).Code);
        ProcessIdentity me = ProcessIdentity.Current, dead = me with { Start = me.Start + 1 }, elsewhere = me with { Machine = "node7" };
        string marks = Path.Combine(run, "parts", "score");
        await File.WriteAllTextAsync(Path.Combine(marks, $".staging-{elsewhere}-1-00002.running"), "");
        await File.WriteAllTextAsync(Path.Combine(marks, $".staging-{dead}-1-00003.running"), "");
        string[] before = Everything(run);

        AlmAnswer answer = await Alm.RunAsync(["status", run]);
        AlmAnswer json = await Alm.RunAsync(["status", run, "--json"]);

        Assert.Equal(0, answer.Code);
        Assert.Contains("score: 1 of 5 parts done, 1 running, 1 failed", answer.Output, StringComparison.Ordinal);
        Assert.Contains("records/s", answer.Output, StringComparison.Ordinal);
        Assert.Contains("part 2 is running in process node7-", answer.Output, StringComparison.Ordinal);
        Assert.Contains("part 1 failed (exit 70)", answer.Output, StringComparison.Ordinal);
        Assert.Contains("train: not done", answer.Output, StringComparison.Ordinal);
        Assert.Equal(1, (int)JsonNode.Parse(json.Output)![0]!["committed"]!);
        Assert.Equal(before, Everything(run));

        Assert.Equal(0, (await Alm.RunAsync(["run", definition, "--run", run, "--set", "maxFailedRecords=9"])).Code);
        AlmAnswer done = await Alm.RunAsync(["status", run]);
        Assert.Contains("score: 5 of 5 parts done, 1 running, 0 failed; taken over by the run", done.Output, StringComparison.Ordinal);
        Assert.Contains("train: done", done.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Input, (await Alm.RunAsync(["status", _folder["nowhere"]])).Code);
    }

    private static string[] Everything(string run)
        => [.. Directory.GetFiles(run, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(f => $"{f} {File.GetLastWriteTimeUtc(f):O}")];
}
