using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Tests.Runs;

/// <summary><c>alm work</c>: parts of a flow done by processes that share a run folder.</summary>
public sealed class WorkTests : IDisposable
{
    private const int Parts = 5;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Run => _folder["run"];

    private string Definition(string extra = "", string source = "\"rejectEvery\": 7") => _folder.Write("d.json", Alm.Definition(
        $$"""{ "stage": "make-texts", "count": 100, {{source}} }, { "stage": "shout", "failEvery": 40 }, { "stage": "write-parts", "count": {{Parts}} }""",
        $"\"maxFailedRecords\": 2, {extra}"));

    private Task<AlmAnswer> Work(string definition, string parts, string? run = null)
        => Alm.RunAsync(["work", definition, "--run", run ?? Run, "--flow", "only", "--parts", parts]);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(16)]
    public async Task However_many_share_the_parts_the_run_ends_with_the_same_parts_counts_and_rejects(int shares)
    {
        string definition = Definition();
        string alone = _folder["alone"];
        Assert.Equal(0, (await Alm.RunAsync(["run", definition, "--run", alone])).Code);

        for (int share = shares - 1; share >= 0; share--)
        {
            AlmAnswer worked = await Work(definition, $"{share}/{shares}");
            Assert.Equal("", worked.Error);
            Assert.Equal(0, worked.Code);
        }
        Dictionary<string, DateTime> written = PartsOf(Run).Keys.ToDictionary(n => n, n => File.GetLastWriteTimeUtc(Path.Combine(Run, n)));
        AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal("", answer.Error);
        Assert.Equal(0, answer.Code);
        Assert.DoesNotContain("is committed", answer.Output, StringComparison.Ordinal);
        Assert.Equal(Parts, written.Count);
        Assert.All(written, w => Assert.Equal(w.Value, File.GetLastWriteTimeUtc(Path.Combine(Run, w.Key))));
        Assert.Equal(PartsOf(alone), PartsOf(Run));
        Assert.Equal(Counts(alone), Counts(Run));
        Assert.Equal(100, (long)JsonNode.Parse(Counts(Run))![0]!["in"]!);
        Assert.Equal(Rejects(alone), Rejects(Run));
        Assert.Equal(0, (await Alm.RunAsync(["verify", Run])).Code);
    }

    [Fact]
    public async Task A_share_is_the_parts_whose_number_leaves_that_rest()
    {
        AlmAnswer answer = await Work(Definition(), "1/2");

        Assert.Equal(0, answer.Code);
        Assert.Equal(["part-1.txt", "part-3.txt"], PartsOf(Run).Keys.Order(StringComparer.Ordinal));
        Assert.False(File.Exists(Path.Combine(Run, "rejects.jsonl")));
        Assert.False(File.Exists(Path.Combine(Run, "run.lock")));
    }

    [Theory]
    [InlineData("only", "2/2", "--parts: found 2/2")]
    [InlineData("only", "0/0", "--parts")]
    [InlineData("only", "-1/2", "--parts")]
    [InlineData("only", "one", "K/N")]
    [InlineData("other", "0/2", "there is no flow 'other'; flows in parts: only")]
    public async Task What_is_no_share_is_refused(string flow, string parts, string says)
    {
        AlmAnswer answer = await Alm.RunAsync(["work", Definition(), "--run", Run, "--flow", flow, "--parts", parts]);

        Assert.Equal(ExitCodes.Definition, answer.Code);
        Assert.Contains(says, answer.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Run));
    }

    [Fact]
    public async Task A_flow_that_is_one_piece_is_refused()
    {
        string definition = _folder.Write("d.json", Alm.Definition("""{ "stage": "make-texts", "count": 9 }, { "stage": "write-lines", "to": "out.txt" }"""));

        AlmAnswer answer = await Work(definition, "0/1");

        Assert.Equal(ExitCodes.Definition, answer.Code);
        Assert.Contains("'only' cannot be shared: its sink 'write-lines'", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Work_goes_on_beside_a_run_that_holds_the_lock_and_refuses_another_definition()
    {
        Assert.Equal(0, (await Work(Definition(), "0/2")).Code);
        using (new DiskStorage().Lock(Path.Combine(Run, "run.lock")))
        {
            Assert.Equal(0, (await Work(Definition(), "1/2")).Code);
            Assert.Equal(ExitCodes.Locked, (await Alm.RunAsync(["run", Definition(), "--run", Run])).Code);
        }
        Assert.Equal(Parts, PartsOf(Run).Count);

        AlmAnswer other = await Work(Definition(source: "\"rejectEvery\": 8"), "0/2");

        Assert.Equal(ExitCodes.Definition, other.Code);
        Assert.Contains("rejectEvery: was 7, is 8", other.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_leaves_the_staging_of_the_living_alone_and_work_cleans_only_its_own_share()
    {
        ProcessIdentity me = ProcessIdentity.Current;
        ProcessIdentity dead = me with { Start = me.Start + 1 }, other = me with { Start = me.Start + 2 };
        string marks = Path.Combine(Run, "parts", "only");
        // What this very process would leave, of another machine that wrote just now, and of two dead ones: at part 1 and at part 2.
        string living = Path.Combine(Run, $".staging-{me with { Machine = "elsewhere" }}-1-shard");
        string[] mine = [Path.Combine(marks, $".staging-{dead}-1-00001.running"), Path.Combine(Run, $".staging-{dead}-2-part-1.txt")];
        string[] others = [Path.Combine(marks, $".staging-{other}-1-00002.running"), Path.Combine(Run, $".staging-{other}-2-part-2.txt")];
        Assert.Equal(0, (await Work(Definition(), "0/5")).Code);
        foreach (string path in new[] { living }.Concat(mine).Concat(others))
            await File.WriteAllTextAsync(path, "");

        Assert.Equal(0, (await Work(Definition(), "1/5")).Code);
        Assert.All(mine, p => Assert.False(File.Exists(p)));
        Assert.All(others, p => Assert.True(File.Exists(p)));
        Assert.True(File.Exists(living));

        Assert.Equal(0, (await Alm.RunAsync(["run", Definition(), "--run", Run])).Code);
        Assert.All(others, p => Assert.False(File.Exists(p)));
        Assert.True(File.Exists(living));
    }

    [Fact]
    public async Task A_part_that_fails_leaves_its_rejects_and_its_error_until_it_is_done()
    {
        string strict = Definition().Replace("d.json", "strict.json", StringComparison.Ordinal);
        await File.WriteAllTextAsync(strict, (await File.ReadAllTextAsync(Definition())).Replace("\"maxFailedRecords\": 2", "\"maxFailedRecords\": 0", StringComparison.Ordinal));

        AlmAnswer failed = await Work(strict, "1/5");

        Assert.Equal(ExitCodes.Defect, failed.Code);
        string failure = Path.Combine(Run, "parts", "only", "00001.failed.jsonl");
        string[] lines = await File.ReadAllLinesAsync(failure);
        Assert.Contains(lines, l => l.Contains("poison in row 39", StringComparison.Ordinal));
        JsonNode last = JsonNode.Parse(lines[^1])!;
        Assert.Equal(ExitCodes.Defect, (int)last["exitCode"]!);
        Assert.Equal(lines.Length - 1, (int)last["rejects"]!);
        Assert.Equal(0, (await Work(Definition(), "1/5")).Code);
        Assert.False(File.Exists(failure));
        Assert.Equal(["00001.jsonl"], Directory.GetFiles(Path.GetDirectoryName(failure)!).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Failures_of_parts_that_others_did_count_in_the_run()
    {
        string definition = Definition();
        Assert.Equal(0, (await Work(definition, "1/5")).Code);
        Assert.Equal(0, (await Work(definition, "3/5")).Code);

        AlmAnswer strict = await Alm.RunAsync(["run", definition, "--run", Run, "--set", "maxFailedRecords=1"]);
        AlmAnswer enough = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal(ExitCodes.Defect, strict.Code);
        Assert.Contains("2 record(s) failed, and maxFailedRecords is 1", strict.Error, StringComparison.Ordinal);
        Assert.Equal(0, enough.Code);
    }

    [Fact]
    public async Task A_run_folder_whose_parts_are_in_progress_json_goes_on()
    {
        string definition = Definition();
        Assert.Equal(0, (await Alm.RunAsync(["run", definition, "--run", Run])).Code);
        string expected = Counts(Run);
        // As the version before wrote it: the counts of parts 0 to 3 in progress.json, no files of parts, and part 4 still to be done.
        JsonNode progress = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Run, "progress.json")))!;
        JsonObject flow = progress["flows"]!["only"]!.AsObject();
        flow["done"] = false;
        var partitions = new JsonObject();
        for (int part = 0; part < Parts - 1; part++)
        {
            string record = (await File.ReadAllLinesAsync(Path.Combine(Run, "parts", "only", $"0000{part}.jsonl")))[^1];
            partitions[$"{part}"] = JsonNode.Parse(record)!["stages"]!.DeepClone();
        }
        flow["partitions"] = partitions;
        await File.WriteAllTextAsync(Path.Combine(Run, "progress.json"), progress.ToJsonString());
        Directory.Delete(Path.Combine(Run, "parts"), recursive: true);
        File.Delete(Path.Combine(Run, "part-4.txt"));

        AlmAnswer again = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal("", again.Error);
        Assert.Equal(0, again.Code);
        Assert.Contains("part 5 of 5 is committed", again.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("part 4 of 5 is committed", again.Output, StringComparison.Ordinal);
        Assert.Equal(expected, Counts(Run));
    }

    [Fact]
    public async Task A_damaged_part_file_is_named_and_repair_mends_the_folder()
    {
        string definition = Definition();
        Assert.Equal(0, (await Alm.RunAsync(["run", definition, "--run", Run])).Code);
        string path = Path.Combine(Run, "parts", "only", "00002.jsonl");
        string text = await File.ReadAllTextAsync(path);
        foreach (string damaged in new[] { text[..^9], text.Replace("\"part\":2", "\"part\":3", StringComparison.Ordinal), "" })
        {
            await File.WriteAllTextAsync(path, damaged);
            AlmAnswer refused = await Alm.RunAsync(["run", definition, "--run", Run]);
            Assert.Equal(ExitCodes.Input, refused.Code);
            Assert.Contains(path, refused.Error, StringComparison.Ordinal);
        }
        // A reject of which a letter is another one is no reason to stop, but verify sees it.
        await File.WriteAllTextAsync(path, "X" + text[1..]);
        Assert.Contains(path, (await Alm.RunAsync(["verify", Run])).Output, StringComparison.Ordinal);

        Assert.Equal(0, (await Alm.RunAsync(["repair", Run])).Code);
        AlmAnswer again = await Alm.RunAsync(["run", definition, "--run", Run]);

        Assert.Equal(0, again.Code);
        Assert.Contains("1 of its parts were committed by a process whose counts are gone", again.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await Alm.RunAsync(["verify", Run])).Code);
    }

    private static Dictionary<string, string> PartsOf(string run)
        => Directory.GetFiles(run, "part-*.txt").ToDictionary(f => Path.GetFileName(f), File.ReadAllText);

    private static string Counts(string run) => JsonNode.Parse(File.ReadAllText(Path.Combine(run, "report.json")))!["flows"]!["only"]!["stages"]!.ToJsonString();

    private static IEnumerable<string> Rejects(string run) => File.ReadAllLines(Path.Combine(run, "rejects.jsonl")).Select(WithoutTrace).Order(StringComparer.Ordinal);

    // What an exception says of where it was thrown depends on who called.
    private static string WithoutTrace(string line)
    {
        JsonNode reject = JsonNode.Parse(line)!;
        reject["message"] = ((string)reject["message"]!).Split('\n')[0];
        return reject.ToJsonString();
    }
}
