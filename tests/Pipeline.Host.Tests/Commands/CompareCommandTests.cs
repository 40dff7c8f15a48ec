using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Tests.Comparison;

namespace Pipeline.Host.Tests.Commands;

public sealed class CompareCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Tables_Markdown_and_JSON_say_the_same()
    {
        string a = Write("a", 1, sft: 2.0, alm: 1.6), b = Write("b", 2, sft: 2.3, alm: 1.9), c = Write("c", 3, sft: 2.6, alm: 1.75);

        AlmAnswer answer = await Alm.RunAsync(
            ["compare", a, b, c, "--mean", "both=maths,plays", "--before", "initial", "--json", _folder["c.json"], "--markdown", _folder["c.md"], "--html", _folder["c.html"]]);

        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains($"{b}: run study, seed 2, definition hash-2", answer.Output, StringComparison.Ordinal);
        Assert.Contains("  sft      3  2.3000 ± 0.3000  56.7 ± 10.0 %  50.0 ± 0.0 %", answer.Output, StringComparison.Ordinal);
        Assert.Contains("  3 documents, 90 bytes, 5 windows of at most 512 bytes\n", answer.Output, StringComparison.Ordinal);
        string markdown = await File.ReadAllTextAsync(_folder["c.md"]);
        Assert.Contains("### plays\n\n| model | n | bits per byte |\n|---|--:|--:|\n| sft | 3 | 3.0000 ± 0.0000 |\n", markdown, StringComparison.Ordinal);
        Assert.Contains("| sft | 3 | 2.3000 ± 0.3000 | 56.7 ± 10.0 % | 50.0 ± 0.0 % |", markdown, StringComparison.Ordinal);
        string page = await File.ReadAllTextAsync(_folder["c.html"]);
        Assert.Contains("<th scope=\"row\">sft</th><td class=\"figure\">3</td><td class=\"figure\">2.3000 &#177; 0.3000</td><td class=\"figure\">56.7 &#177; 10.0 %</td>", page, StringComparison.Ordinal);
        JsonNode json = JsonNode.Parse(await File.ReadAllTextAsync(_folder["c.json"]))!;
        Assert.Equal(["a", "b", "c"], json["runs"]!.AsArray().Select(r => Path.GetFileName((string)r!["path"]!)));
        Assert.Equal(["maths", "plays", "both"], json["parts"]!.AsArray().Select(p => (string)p!["name"]!));
        JsonNode sft = json["parts"]![0]!["models"]![2]!;
        Assert.Equal([2.0, 2.3, 2.6], sft["bitsPerByte"]!["values"]!.AsArray().Select(v => (double)v!));
        Assert.Equal(3, (int)sft["bitsPerByte"]!["n"]!);
        Assert.Equal(0.3, (double)sft["bitsPerByte"]!["standardDeviation"]!, 12);
        Assert.Equal(17 / 30.0, (double)sft["gapClosed"]!["mean"]!, 12);
        Assert.Equal(2.65, (double)json["parts"]![2]!["models"]![0]!["bitsPerByte"]!["mean"]!, 12);
    }

    [Fact]
    public async Task The_order_is_the_definitions_or_the_best_first()
    {
        string a = Write("a", 1, sft: 2.0, alm: 1.6);

        string ordered = (await Alm.RunAsync(["compare", a])).Output, sorted = (await Alm.RunAsync(["compare", a, "--sort"])).Output;

        Assert.True(ordered.IndexOf("  sft", StringComparison.Ordinal) < ordered.IndexOf("  alm", StringComparison.Ordinal));
        Assert.True(sorted.IndexOf("  sft", StringComparison.Ordinal) > sorted.IndexOf("  alm", StringComparison.Ordinal));
        Assert.DoesNotContain("±", ordered, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_unfinished_unreadable_or_given_twice_are_refused_by_name()
    {
        string a = Write("a", 1, sft: 2.0, alm: 1.6), unfinished = Directory.CreateDirectory(_folder["unfinished"]).FullName;
        string broken = Path.GetDirectoryName(_folder.Write(Path.Combine(Directory.CreateDirectory(_folder["broken"]).Name, "report.json"), "{ \"parts\": 3 }"))!;

        AlmAnswer notDone = await Alm.RunAsync(["compare", a, unfinished]);
        AlmAnswer noReport = await Alm.RunAsync(["compare", a, broken]);
        AlmAnswer twice = await Alm.RunAsync(["compare", a, a + "/"]);
        AlmAnswer usage = await Alm.RunAsync(["compare", a, "--mean", "unseen"]);

        foreach (AlmAnswer answer in (AlmAnswer[])[notDone, noReport, twice])
            Assert.Equal(ExitCodes.Input, answer.Code);
        Assert.Contains($"{Path.Combine(unfinished, "report.json")} does not exist: it is written when a run is done", notDone.Error, StringComparison.Ordinal);
        Assert.Contains($"{Path.Combine(broken, "report.json")} is not the report of a run", noReport.Error, StringComparison.Ordinal);
        Assert.Contains($"{a} is given 2 times", twice.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Definition, usage.Code);
        Assert.Contains("expected NAME=PART,PART", usage.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_run_copied_is_no_repeat()
    {
        string a = Write("a", 1, sft: 2.0, alm: 1.6), copy = Write("copy", 1, sft: 2.0, alm: 1.6);

        AlmAnswer answer = await Alm.RunAsync(["compare", a, copy]);

        Assert.Equal(0, answer.Code);
        Assert.Contains($"{a}, {copy} have the same definition", answer.Output, StringComparison.Ordinal);
    }

    private string Write(string run, int seed, double sft, double alm) => ReportFile.Write(
        _folder, run, seed,
        ("maths", ReportFile.Judgement(90, ("initial", 4, 0.1), ("teacher", 1, 1), ("sft", sft, 0.5), ("alm", alm, 0.75))),
        ("plays", ReportFile.Judgement(70, ("sft", 3, null))));
}
