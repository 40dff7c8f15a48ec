using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Hosting;
using Pipeline.Host.Tests.Graph;
using Pipeline.Host.Tests.Stages;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Tests.Runs;

/// <summary>Whole runs of small definitions, through the command line.</summary>
public sealed class RunTests : IDisposable
{
    private const string Source = """{ "stage": "make-texts", "count": 100 }""";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Run => _folder["run"];

    [Fact]
    public async Task A_run_leaves_its_output_definition_progress_and_report()
    {
        string definition = _folder.Write("d.json", Alm.Definition(
            """{ "stage": "make-texts", "count": 100, "rejectEvery": 10 }, { "stage": "shout", "rejectEvery": 9 }, { "stage": "write-lines", "to": "out.txt" }"""));

        AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal("", answer.Error);
        Assert.Equal(0, answer.Code);
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(Run, "out.txt"));
        int rejected = Enumerable.Range(0, 100).Count(row => row % 10 == 0 || row % 9 == 8);
        Assert.Equal(100 - rejected, lines.Length);
        Assert.Equal("0000000000000007:1 TEXT 1", lines[0]);
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Run, "report.json")))!;
        JsonArray stages = report["flows"]!["only"]!["stages"]!.AsArray();
        foreach (JsonNode? stage in stages)
            Assert.Equal((long)stage!["in"]!, (long)stage["passed"]! + (long)stage["rejected"]!);
        Assert.Equal(10, (long)stages[0]!["rejected"]!);
        Assert.Equal((long)stages[1]!["out"]!, (long)stages[2]!["in"]!);
        Assert.Equal(lines.Length, (long)stages[2]!["counts"]!["lines"]!);
        string[] rejects = await File.ReadAllLinesAsync(Path.Combine(Run, "rejects.jsonl"));
        Assert.Equal(rejected, rejects.Length);
        foreach (string line in rejects)
        {
            JsonNode reject = JsonNode.Parse(line)!;
            Assert.Contains((string)reject["stage"]!, new[] { "make-texts", "shout" });
            Assert.StartsWith("0000000000000007:", (string)reject["id"]!, StringComparison.Ordinal);
            Assert.NotEqual("", (string)reject["reason"]!);
        }
        Assert.True(File.Exists(Path.Combine(Run, "definition.json")));
    }

    /// <summary>Where torch is loaded, the report says whether numbers that it is given may be freed while it reads them.</summary>
    [Fact]
    public async Task The_report_says_whether_torch_s_numbers_are_kept()
    {
        TorchLoader.Load();
        string definition = _folder.Write("d.json", Alm.Definition("""{ "stage": "make-texts", "count": 1 }, { "stage": "write-lines", "to": "out.txt" }"""));

        Assert.Equal(0, (await Alm.RunAsync(["run", definition, "--run", Run])).Code);

        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Run, "report.json")))!;
        Assert.Equal("kept until they are read", (string)report["torch"]!["scalars"]!);
    }

    [Theory]
    [InlineData("write-lines\", \"to\": \"out.txt", "out.txt")]
    [InlineData("write-parts\", \"count\": 5, \"name\": \"write-parts", "part-3.txt")]
    public async Task Parallelism_never_changes_a_byte(string sink, string file)
    {
        string definition = _folder.Write("d.json", Alm.Definition(
            $$"""{ "stage": "make-texts", "count": 500 }, { "stage": "shout", "uneven": true, "copies": 2, "rejectEvery": 7 }, { "stage": "{{sink}}" }"""));
        var outputs = new List<string>();
        foreach (int parallelism in new[] { 1, 2, 8 })
        {
            string run = _folder[$"run{parallelism}"];
            AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", run, "--parallel", $"{parallelism}"]);
            Assert.Equal(0, answer.Code);
            outputs.Add(await File.ReadAllTextAsync(Path.Combine(run, file)) + await File.ReadAllTextAsync(Path.Combine(run, "rejects.jsonl")));
        }

        Assert.NotEqual("", outputs[0]);
        Assert.Equal(outputs[0], outputs[1]);
        Assert.Equal(outputs[0], outputs[2]);
    }

    [Fact]
    public async Task A_flow_that_is_done_is_skipped_with_a_line()
    {
        string definition = _folder.Write("d.json", Alm.Definition($$"""{{Source}}, { "stage": "write-lines", "to": "out.txt" }"""));
        await Alm.RunAsync(["run", definition, "--run", Run]);
        File.Delete(Path.Combine(Run, "out.txt"));

        AlmAnswer again = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal(0, again.Code);
        Assert.Contains("flow 'only' is done already: skipped", again.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Run, "out.txt")));
    }

    [Fact]
    public async Task Only_the_part_that_is_missing_is_computed_again()
    {
        string definition = _folder.Write("d.json", Alm.Definition($$"""{{Source}}, { "stage": "shout" }, { "stage": "write-parts", "count": 4 }"""));
        await Alm.RunAsync(["run", definition, "--run", Run]);
        Dictionary<string, string> before = Parts();
        File.Delete(Path.Combine(Run, "part-2.txt"));
        DateTime kept = File.GetLastWriteTimeUtc(Path.Combine(Run, "part-1.txt"));

        AlmAnswer again = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal(0, again.Code);
        Assert.Contains("part 3 of 4 is committed", again.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("part 2 of 4 is committed", again.Output, StringComparison.Ordinal);
        Assert.Equal(before, Parts());
        Assert.Equal(kept, File.GetLastWriteTimeUtc(Path.Combine(Run, "part-1.txt")));
        Assert.StartsWith("rows=100", before["part-0.txt"], StringComparison.Ordinal);
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Run, "report.json")))!;
        Assert.Equal(100, (long)report["flows"]!["only"]!["stages"]![0]!["in"]!);
    }

    [Fact]
    public async Task Another_definition_is_refused_with_what_differs()
    {
        string stages = """{ "stage": "make-texts", "count": 100 }, { "stage": "shout", "copies": 1 }, { "stage": "train", "steps": 5, "learningRate": 0.5 }""";
        string definition = _folder.Write("d.json", Alm.Definition(stages));
        await Alm.RunAsync(["run", definition, "--run", Run]);
        string progress = await File.ReadAllTextAsync(Path.Combine(Run, "progress.json"));

        AlmAnswer refused = await Alm.RunAsync(
            ["run", definition, "--run", Run, "--set", "flows.only.shout.copies=2", "--set", "flows.only.train.objectives.alm.gamma=0.9", "--set", "seed=4", "--set", "flows.only.train.steps=7"]);

        Assert.Equal(ExitCodes.Definition, refused.Code);
        Assert.Contains("flows.only.shout.copies: was 1, is 2", refused.Error, StringComparison.Ordinal);
        Assert.Contains("flows.only.train.objectives.alm.gamma: was 0.3, is 0.9", refused.Error, StringComparison.Ordinal);
        Assert.Contains("seed: was 17, is 4", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("steps", refused.Error, StringComparison.Ordinal);
        Assert.Equal(progress, await File.ReadAllTextAsync(Path.Combine(Run, "progress.json")));
    }

    [Fact]
    public async Task More_steps_and_flows_at_the_end_extend_a_run_and_everything_before_is_kept()
    {
        string First = """{ "name": "texts", "stages": [ { "stage": "make-texts", "count": 100 }, { "stage": "write-lines", "to": "out.txt" } ] }""";
        string train(int steps) => $$"""{ "name": "train", "stages": [ { "stage": "make-texts", "count": 100 }, { "stage": "train", "steps": {{steps}} } ] }""";
        string last = """{ "name": "more", "stages": [ { "stage": "make-texts", "count": 3 }, { "stage": "write-lines", "to": "more.txt" } ] }""";
        string definition = _folder.Write("d.json", $$"""{ "name": "test", "flows": [ {{First}}, {{train(5)}} ] }""");
        Assert.Equal(0, (await Alm.RunAsync(["run", definition, "--run", Run])).Code);
        _folder.Write("d.json", $$"""{ "name": "test", "maxFailedRecords": 3, "flows": [ {{First}}, {{train(8)}}, {{last}} ] }""");

        AlmAnswer again = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal("", again.Error);
        Assert.Equal(0, again.Code);
        Assert.Contains("flow 'texts' is done already", again.Output, StringComparison.Ordinal);
        Assert.Contains("flow 'train': begins".Replace(":", "", StringComparison.Ordinal), again.Output, StringComparison.Ordinal);
        Assert.Equal("8\n", await File.ReadAllTextAsync(Path.Combine(Run, "checkpoint.txt")));
        Assert.Equal(3, (await File.ReadAllLinesAsync(Path.Combine(Run, "more.txt"))).Length);
        string[] metrics = await File.ReadAllLinesAsync(Path.Combine(Run, "metrics.jsonl"));
        Assert.Equal(Enumerable.Range(1, 8), metrics.Select(m => (int)JsonNode.Parse(m)!["step"]!));
        Assert.All(metrics, m => Assert.Equal(1e-3, (double)JsonNode.Parse(m)!["rate"]!));
    }

    [Fact]
    public async Task A_flow_and_those_after_it_are_made_again_and_those_before_are_kept()
    {
        string Texts(string name, string to) => $$"""{ "name": "{{name}}", "stages": [ { "stage": "make-texts", "count": 100, "rejectEvery": 10 }, { "stage": "write-lines", "to": "{{to}}" } ] }""";
        const string Train = """{ "name": "train", "stages": [ { "stage": "make-texts", "count": 100 }, { "stage": "train", "steps": 5 } ] }""";
        string definition = _folder.Write("d.json", $$"""{ "name": "test", "flows": [ {{Texts("one", "one.txt")}}, {{Train}}, {{Texts("two", "two.txt")}} ] }""");
        Assert.Equal(0, (await Alm.RunAsync(["run", definition, "--run", Run])).Code);
        string[] Lines(string name) => File.ReadAllLines(Path.Combine(Run, name));
        string two = File.ReadAllText(Path.Combine(Run, "two.txt"));
        int rejects = Lines("rejects.jsonl").Length, metrics = Lines("metrics.jsonl").Length;
        File.WriteAllText(Path.Combine(Run, "one.txt"), "kept");
        File.WriteAllText(Path.Combine(Run, "two.txt"), "not kept");

        AlmAnswer again = await Alm.RunAsync(["run", definition, "--run", Run, "--from", "train"]);

        Assert.Equal((0, ""), (again.Code, again.Error));
        Assert.Contains("flow 'train' and those after it are done again; deleted: checkpoint.txt, two.txt", again.Output, StringComparison.Ordinal);
        Assert.Contains("flow 'one' is done already", again.Output, StringComparison.Ordinal);
        Assert.Equal("kept", File.ReadAllText(Path.Combine(Run, "one.txt")));
        Assert.Equal(two, File.ReadAllText(Path.Combine(Run, "two.txt")));
        Assert.Equal((rejects, metrics), (Lines("rejects.jsonl").Length, Lines("metrics.jsonl").Length));

        AlmAnswer unknown = await Alm.RunAsync(["run", definition, "--run", Run, "--from", "tree"]);
        Assert.Equal(ExitCodes.Definition, unknown.Code);
        Assert.Contains("--from: there is no flow 'tree'; flows: one, train, two", unknown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sink_that_resumes_tells_the_source_where_to_begin()
    {
        string definition = _folder.Write("d.json", Alm.Definition("""{ "stage": "make-texts", "count": 100 }, { "stage": "train", "steps": 40 }"""));
        Directory.CreateDirectory(Run);
        using var signals = new StopSignals();
        signals.Request();
        AlmAnswer stopped = await Alm.RunAsync(["run", definition, "--run", Run], signals);
        Assert.Equal(ExitCodes.Interrupted, stopped.Code);
        await File.WriteAllTextAsync(Path.Combine(Run, "checkpoint.txt"), "31\n");

        AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", Run]);

        // The sink throws when it is given any row but the next.
        Assert.Equal(0, answer.Code);
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Run, "report.json")))!;
        Assert.Equal(9, (long)report["flows"]!["only"]!["stages"]![1]!["in"]!);
    }

    [Fact]
    public async Task A_stop_ends_a_resuming_sink_at_a_step_and_the_next_run_goes_on()
    {
        string definition = _folder.Write("d.json", Alm.Definition("""{ "stage": "make-texts", "count": 600 }, { "stage": "stop-at-row" }, { "stage": "train", "steps": 600 }"""));
        using var signals = new StopSignals();

        AlmAnswer stopped = await Alm.RunAsync(["run", definition, "--run", Run], signals, WithStop(signals, row: 200, requests: 1));

        Assert.Equal(ExitCodes.Interrupted, stopped.Code);
        Assert.Contains("stopped at step", stopped.Error, StringComparison.Ordinal);
        Assert.Contains($"alm run {definition} --run {Run}", stopped.Error, StringComparison.Ordinal);
        int step = int.Parse(await File.ReadAllTextAsync(Path.Combine(Run, "checkpoint.txt")), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(step, 1, 599);
        using var none = new StopSignals();
        AlmAnswer done = await Alm.RunAsync(["run", definition, "--run", Run], none, WithStop(none, row: -1, requests: 0));
        Assert.Equal(0, done.Code);
        Assert.Equal("600\n", await File.ReadAllTextAsync(Path.Combine(Run, "checkpoint.txt")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_stop_keeps_the_parts_that_are_committed_and_leaves_none_half_written(int requests)
    {
        string stages = """{ "stage": "make-texts", "count": 400 }, { "stage": "stop-at-row" }, { "stage": "write-parts", "count": 8 }""";
        string definition = _folder.Write("d.json", Alm.Definition(stages));
        string whole = _folder["whole"];
        using var none = new StopSignals();
        IReadOnlyList<StageRegistration> calm = WithStop(none, row: -1, requests: 0);
        await Alm.RunAsync(["run", definition, "--run", whole], none, calm);
        using var signals = new StopSignals();

        AlmAnswer stopped = await Alm.RunAsync(["run", definition, "--run", Run], signals, WithStop(signals, row: 120, requests));
        int committed = Directory.GetFiles(Run, "part-*.txt").Length;
        AlmAnswer done = await Alm.RunAsync(["run", definition, "--run", Run], none, calm);

        Assert.Equal(ExitCodes.Interrupted, stopped.Code);
        // Row 120 is of the third part: asked once, the host lets that part end, because it can within the grace; asked twice, it does not wait.
        Assert.Equal(requests == 1 ? 3 : 2, committed);
        Assert.Equal(0, done.Code);
        foreach (string part in Directory.GetFiles(whole, "part-*.txt"))
            Assert.Equal(await File.ReadAllTextAsync(part), await File.ReadAllTextAsync(Path.Combine(Run, Path.GetFileName(part))));
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Run, "report.json")))!;
        Assert.Equal(400, (long)report["flows"]!["only"]!["stages"]![2]!["in"]!);
        Assert.DoesNotContain(Directory.GetFiles(Run), f => Path.GetFileName(f).StartsWith(".staging", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_poison_record_ends_in_the_reject_file_and_fails_the_run_by_name()
    {
        string definition = _folder.Write("d.json", Alm.Definition($$"""{{Source}}, { "stage": "shout", "failEvery": 30 }, { "stage": "write-lines", "to": "out.txt" }"""));

        AlmAnswer failed = await Alm.RunAsync(["run", definition, "--run", Run]);
        AlmAnswer tolerated = await Alm.RunAsync(["run", definition, "--run", Run, "--set", "maxFailedRecords=3"]);

        Assert.Equal(ExitCodes.Defect, failed.Code);
        Assert.Contains("0000000000000007:29 in stage 'shout': InvalidOperationException: poison in row 29", failed.Error, StringComparison.Ordinal);
        Assert.Equal(0, tolerated.Code);
        Assert.Equal(97, (await File.ReadAllLinesAsync(Path.Combine(Run, "out.txt"))).Length);
        JsonNode reject = JsonNode.Parse((await File.ReadAllLinesAsync(Path.Combine(Run, "rejects.jsonl")))[0])!;
        Assert.Equal("0000000000000007:29", (string)reject["id"]!);
        Assert.Equal("shout", (string)reject["stage"]!);
        Assert.Contains("poison in row 29", (string)reject["message"]!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "stage": "shout", "cancelEvery": 30 }""")]
    [InlineData("""{ "stage": "join-neighbours", "cancelAfter": 30 }""")]
    public async Task An_inner_time_out_never_passes_for_a_stop(string stage)
    {
        string definition = _folder.Write("d.json", Alm.Definition($$"""{{Source}}, {{stage}}, { "stage": "write-lines", "to": "out.txt" }"""));

        AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal(ExitCodes.Defect, answer.Code);
        Assert.Contains("inner time-out", answer.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Run, "out.txt")));
    }

    [Fact]
    public async Task A_folder_that_is_no_run_folder_is_left_alone()
    {
        string definition = _folder.Write("d.json", Alm.Definition($$"""{{Source}}, { "stage": "write-lines", "to": "out.txt" }"""));
        Directory.CreateDirectory(Run);
        await File.WriteAllTextAsync(Path.Combine(Run, "letters.txt"), "dear");

        AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal(ExitCodes.Definition, answer.Code);
        Assert.Contains("letters.txt", answer.Error, StringComparison.Ordinal);
        Assert.Single(Directory.GetFileSystemEntries(Run));
    }

    [Fact]
    public async Task A_damaged_progress_file_is_named_and_repair_mends_the_folder()
    {
        string definition = _folder.Write("d.json", Alm.Definition($$"""{{Source}}, { "stage": "write-parts" }"""));
        await Alm.RunAsync(["run", definition, "--run", Run]);
        string progress = Path.Combine(Run, "progress.json");
        await File.WriteAllTextAsync(progress, "{ \"format\": 1, \"flows\": {");

        AlmAnswer refused = await Alm.RunAsync(["run", definition, "--run", Run]);
        AlmAnswer verified = await Alm.RunAsync(["verify", Run]);
        AlmAnswer repaired = await Alm.RunAsync(["repair", Run]);
        AlmAnswer again = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal(ExitCodes.Input, refused.Code);
        Assert.Contains(progress, refused.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Input, verified.Code);
        Assert.Contains(progress, verified.Output, StringComparison.Ordinal);
        Assert.Equal(0, repaired.Code);
        Assert.Equal(0, again.Code);
        Assert.Equal(0, (await Alm.RunAsync(["verify", Run])).Code);
    }

    [Fact]
    public async Task What_stages_leave_in_the_report_folder_becomes_part_of_the_report()
    {
        string definition = _folder.Write("d.json", Alm.Definition($$"""{{Source}}, { "stage": "judge" }"""));
        IReadOnlyList<StageRegistration> stages =
        [
            .. TestStageTable.All,
            StageRegistration.Sink<NoOptions, TextDocument, Sink<TextDocument>>("judge", "A number.", (_, c) => new Sink<TextDocument>(async (input, token) =>
            {
                int count = await input.CountAsync(token);
                c.Storage.WriteAtomically(Path.Combine(c.RunFolder, "report", "judge.json"), s => JsonSerializer.Serialize(s, new { count }));
            })),
        ];

        AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", Run], stages: stages);

        Assert.Equal(0, answer.Code);
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Run, "report.json")))!;
        Assert.Equal(100, (int)report["parts"]!["judge"]!["count"]!);
    }

    [Fact]
    public async Task A_part_that_is_computed_again_does_not_count_its_failures_twice()
    {
        string definition = _folder.Write("d.json", Alm.Definition(
            $$"""{{Source}}, { "stage": "shout", "failEvery": 30 }, { "stage": "write-parts", "count": 4 }""", "\"maxFailedRecords\": 3,"));
        Assert.Equal(0, (await Alm.RunAsync(["run", definition, "--run", Run])).Code);
        File.Delete(Path.Combine(Run, "part-1.txt"));

        AlmAnswer again = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal("", again.Error);
        Assert.Equal(0, again.Code);
    }

    [Fact]
    public async Task Failures_of_parts_that_are_done_count_after_a_resume()
    {
        string definition = _folder.Write("d.json", Alm.Definition(
            """{ "stage": "make-texts", "count": 100 }, { "stage": "shout", "failEvery": 30 }, { "stage": "write-parts", "count": 4 }""", "\"maxFailedRecords\": 1,"));
        AlmAnswer first = await Alm.RunAsync(["run", definition, "--run", Run]);
        AlmAnswer second = await Alm.RunAsync(["run", definition, "--run", Run]);

        // Rows 29, 59 and 89: the second is one too many, in whichever run it comes.
        Assert.Equal(ExitCodes.Defect, first.Code);
        Assert.Equal(ExitCodes.Defect, second.Code);
        Assert.False(File.Exists(Path.Combine(Run, "part-2.txt")));
    }

    [Fact]
    public async Task Inspect_tells_what_a_run_folder_holds()
    {
        string definition = _folder.Write("d.json", Alm.Definition($$"""{{Source}}, { "stage": "write-parts" }"""));
        await Alm.RunAsync(["run", definition, "--run", Run]);

        AlmAnswer answer = await Alm.RunAsync(["inspect", Run]);
        AlmAnswer unknown = await Alm.RunAsync(["inspect", definition]);

        Assert.Matches(@"flow 'only'\s+done", answer.Output);
        Assert.Contains("4 parts", answer.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Input, unknown.Code);
    }

    [Fact]
    public async Task Check_prints_the_plan_and_writes_nothing()
    {
        string definition = _folder.Write("d.json", Alm.Definition($$"""{{Source}}, { "stage": "shout" }, { "stage": "write-lines", "to": "out.txt" }"""));

        AlmAnswer answer = await Alm.RunAsync(["check", definition, "--run", Run]);

        Assert.Equal(0, answer.Code);
        Assert.Contains("no errors", answer.Output, StringComparison.Ordinal);
        Assert.Contains("→ TextDocument", answer.Output, StringComparison.Ordinal);
        Assert.Contains("100 records", answer.Output, StringComparison.Ordinal);
        Assert.Contains("10,000", answer.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Run));
    }

    [Fact]
    public async Task The_kept_definition_has_every_default_and_loads_as_itself()
    {
        string definition = _folder.Write("d.json", Alm.Definition($$"""{{Source}}, { "stage": "train", "steps": 5 }"""));
        await Alm.RunAsync(["run", definition, "--run", Run]);
        string kept = Path.Combine(Run, "definition.json");
        using JsonDocument document = JsonDocument.Parse(await File.ReadAllTextAsync(kept));
        JsonElement train = document.RootElement.GetProperty("flows")[0].GetProperty("stages")[1];

        AlmAnswer again = await Alm.RunAsync(["run", kept, "--run", Run]);

        Assert.Equal(0.3, train.GetProperty("objectives").GetProperty("alm").GetProperty("gamma").GetDouble());
        Assert.Equal(JsonValueKind.Null, train.GetProperty("objectives").GetProperty("sft").ValueKind);
        Assert.Equal(5_000_000_000, train.GetProperty("tokens").GetInt64());
        Assert.Equal(0, again.Code);
        Assert.Contains("done already", again.Output, StringComparison.Ordinal);
    }

    /// <summary>The test stages and one that asks for a stop when a row goes through.</summary>
    private static List<StageRegistration> WithStop(StopSignals signals, int row, int requests) =>
    [
        .. TestStageTable.All,
        StageRegistration.Map<NoOptions, TextDocument, TextDocument, Map<TextDocument, TextDocument>>("stop-at-row", "Asks for a stop.", (_, _) => new Map<TextDocument, TextDocument>(document =>
        {
            for (int i = 0; document.Id.Row == row && i < requests; i++)
                signals.Request();
            return [document];
        })),
    ];

    private Dictionary<string, string> Parts()
        => Directory.GetFiles(Run, "part-*.txt").ToDictionary(f => Path.GetFileName(f), File.ReadAllText);
}
