using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Tests.Runs;

/// <summary>What of a definition may be corrected in a run folder that was begun with it.</summary>
public sealed class CorrectionTests : IDisposable
{
    private const string Texts = """{ "stage": "make-texts", "count": 100 }""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Run => _folder["run"];

    [Fact]
    public async Task A_flow_that_has_committed_nothing_may_be_corrected_and_the_run_goes_on()
    {
        // The second flow fails: its stage gives up inside.
        string flows(string cancelAfter, string copies = "1", string seed = "17") => $$"""
            { "name": "x", "seed": {{seed}}, "flows": [
              { "name": "one", "stages": [ {{Texts}}, { "stage": "shout", "copies": {{copies}} }, { "stage": "write-lines", "to": "one.txt" } ] },
              { "name": "two", "stages": [ {{Texts}}, { "stage": "join-neighbours", "cancelAfter": {{cancelAfter}} }, { "stage": "write-lines", "to": "two.txt" } ] } ] }
            """;
        Assert.Equal(ExitCodes.Defect, (await RunAsync(flows("30"))).Code);
        DateTime kept = File.GetLastWriteTimeUtc(Path.Combine(Run, "one.txt"));

        foreach ((string text, string says) in ((string, string)[])[(flows("0", copies: "2"), "flows.one.shout.copies: was 1, is 2"), (flows("0", seed: "18"), "seed: was 17, is 18")])
        {
            AlmAnswer refused = await RunAsync(text);
            Assert.Equal(ExitCodes.Definition, refused.Code);
            Assert.Contains(says, refused.Error, StringComparison.Ordinal);
            Assert.Contains("Flow 'one' has committed results", refused.Error, StringComparison.Ordinal);
        }
        string corrected = _folder.Write("d.json", flows("0"));
        AlmAnswer check = await Alm.RunAsync(["check", corrected, "--run", Run]);
        Assert.Contains("changed: flows.two.join-neighbours.cancelAfter, was 30, is now 0", check.Output, StringComparison.Ordinal);
        AlmAnswer goesOn = await Alm.RunAsync(["run", corrected, "--run", Run]);
        Assert.Equal("", goesOn.Error);
        Assert.Equal(0, goesOn.Code);
        Assert.Contains("flows.two.join-neighbours.cancelAfter was 30, is now 0", goesOn.Output, StringComparison.Ordinal);
        Assert.Equal(kept, File.GetLastWriteTimeUtc(Path.Combine(Run, "one.txt")));
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Run, "report.json")))!;
        JsonNode change = Assert.Single(report["changes"]!.AsArray())!;
        Assert.Equal(("flows.two.join-neighbours.cancelAfter", "30", "0"), ((string?)change["key"], (string?)change["was"], (string?)change["is"]));
        // What is done is what it is.
        Assert.Equal(ExitCodes.Definition, (await RunAsync(flows("7"))).Code);
    }

    [Fact]
    public async Task A_run_that_has_committed_nothing_may_become_another_one()
    {
        string flows(string seed, string stage) => $$"""{ "name": "x", "seed": {{seed}}, "flows": [ { "name": "one", "stages": [ {{Texts}}, {{stage}}{ "stage": "write-lines", "to": "one.txt" } ] } ] }""";
        Assert.Equal(ExitCodes.Defect, (await RunAsync(flows("1", """{ "stage": "join-neighbours", "cancelAfter": 3 }, """))).Code);
        Assert.Equal(0, (await RunAsync(flows("2", ""))).Code);
        Assert.Contains("\"seed\": 2", await File.ReadAllTextAsync(Path.Combine(Run, "definition.json")), StringComparison.Ordinal);
        Assert.Equal(2, File.ReadAllLines(Path.Combine(Run, "changes.jsonl")).Length);
    }

    [Fact]
    public async Task Parts_that_are_committed_keep_their_flow_as_it_is_and_other_processes_take_over_corrections()
    {
        string flows(string cancelAfter) => $$"""{ "name": "x", "flows": [ { "name": "one", "stages": [ {{Texts}}, { "stage": "join-neighbours", "cancelAfter": {{cancelAfter}} }, { "stage": "write-parts", "count": 4 } ] } ] }""";
        // 13 documents before it gives up: no part of 25 is done.
        Assert.Equal(ExitCodes.Defect, (await WorkAsync(flows("13"))).Code);
        Assert.Equal(0, (await WorkAsync(flows("0"))).Code);
        AlmAnswer refused = await WorkAsync(flows("50"));
        Assert.Equal(ExitCodes.Definition, refused.Code);
        Assert.Contains("Flow 'one' has committed results", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync(flows("0"))).Code);
    }

    [Fact]
    public async Task What_is_made_again_may_be_made_with_another_definition()
    {
        string flows(string copies) => $$"""
            { "name": "x", "flows": [ { "name": "one", "stages": [ {{Texts}}, { "stage": "write-lines", "to": "one.txt" } ] },
              { "name": "two", "stages": [ {{Texts}}, { "stage": "shout", "copies": {{copies}} }, { "stage": "write-lines", "to": "two.txt" } ] } ] }
            """;
        Assert.Equal(0, (await RunAsync(flows("1"))).Code);
        AlmAnswer refused = await RunAsync(flows("2"));
        Assert.Contains("alm run --from two", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync(flows("2"), "--from", "two")).Code);
        Assert.Equal(200, File.ReadAllLines(Path.Combine(Run, "two.txt")).Length);
    }

    private Task<AlmAnswer> RunAsync(string definition, params string[] more) => Alm.RunAsync(["run", _folder.Write("d.json", definition), "--run", Run, .. more]);

    private Task<AlmAnswer> WorkAsync(string definition) => Alm.RunAsync(["work", _folder.Write("d.json", definition), "--run", Run, "--flow", "one", "--parts", "0/1"]);
}
