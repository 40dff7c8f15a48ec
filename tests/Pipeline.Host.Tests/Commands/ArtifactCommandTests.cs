using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Commands;

/// <summary>A small run of the real stages, and what the commands that look at its files say of it.</summary>
public sealed class ArtifactCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Run => _folder["run"];

    [Fact]
    public async Task A_run_is_inspected_verified_damaged_and_repaired()
    {
        string definition = WriteDefinition();
        AlmAnswer ran = await RunAsync("run", definition, "--run", Run, "--plain");
        Assert.True(ran.Code == 0, ran.Error + ran.Output);
        string shards = Path.Combine(Run, "shards"), student = Path.Combine(Run, "student");

        AlmAnswer verified = await RunAsync("verify", Run);
        Assert.True(verified.Code == 0, verified.Output);
        Assert.Contains("0 wrong", verified.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("nothing here", verified.Output, StringComparison.Ordinal);
        await CheckInspectionsAsync(shards, student);
        AlmAnswer report = await RunAsync("report", Run);
        Assert.Equal(0, report.Code);
        Assert.Contains("flow 'score'", report.Output, StringComparison.Ordinal);
        Assert.Contains("bits per byte", report.Output, StringComparison.Ordinal);

        string shard = Directory.GetFiles(shards, "*.alm").Order(StringComparer.Ordinal).Last(), weights = Path.Combine(student, "model.safetensors");
        byte[] shardBefore = await File.ReadAllBytesAsync(shard), weightsBefore = await File.ReadAllBytesAsync(weights);
        Flip(shard);
        Flip(weights);
        await File.WriteAllTextAsync(Path.Combine(Run, ".staging-elsewhere-1-2-3-x"), "");
        AlmAnswer damaged = await RunAsync("verify", Run);
        AlmAnswer alone = await RunAsync("verify", shard);
        File.Copy(shard, Path.Combine(Directory.CreateDirectory(_folder["lone"]).FullName, Path.GetFileName(shard)));
        AlmAnswer lone = await RunAsync("verify", _folder["lone"]);
        AlmAnswer repaired = await RunAsync("repair", Run);

        Assert.Equal(ExitCodes.Input, damaged.Code);
        Assert.Contains(shard, damaged.Output, StringComparison.Ordinal);
        Assert.Contains(weights, damaged.Output, StringComparison.Ordinal);
        Assert.Contains("1 left over", damaged.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Input, alone.Code);
        Assert.Contains("0 files are intact", lone.Output, StringComparison.Ordinal);
        Assert.Contains("1 wrong", lone.Output, StringComparison.Ordinal);
        Assert.Equal(0, repaired.Code);
        Assert.False(File.Exists(shard));
        Assert.False(File.Exists(weights));
        Assert.NotEmpty(Directory.GetFiles(shards, "*.alm"));

        AlmAnswer again = await RunAsync("run", definition, "--run", Run, "--plain");
        Assert.True(again.Code == 0, again.Error + again.Output);
        Assert.Equal(shardBefore, await File.ReadAllBytesAsync(shard));
        Assert.Equal(weightsBefore, await File.ReadAllBytesAsync(weights));
        Assert.Equal(0, (await RunAsync("verify", Run)).Code);
    }

    [Fact]
    public async Task Two_tokenizers_are_looked_at_on_text_of_every_kind()
    {
        string teacher = ByteModel.Save(_folder["teacher"], seed: 1);
        string plain = _folder.Write("a.txt", "Seven and 12."), lines = _folder.Write("b.jsonl", "{\"body\": \"née\"}\n{\"body\": null}\n");

        AlmAnswer answer = await RunAsync("inspect", "pair", teacher, "bytes", "--text", plain, lines, "--column", "body", "--limit", "4", "--json", _folder["pair.json"]);
        AlmAnswer unknown = await RunAsync("inspect", "pair", teacher, "bytes", "--text", _folder.Write("c.xml", ""));

        Assert.Equal(0, answer.Code);
        Assert.Contains("Tokens per chunk", answer.Output, StringComparison.Ordinal);
        Assert.Contains("1 rejected", answer.Error, StringComparison.Ordinal);
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(_folder["pair.json"]))!;
        Assert.Equal(2, (int)report["text"]!["documents"]!);
        Assert.Equal(17, (int)report["text"]!["bytesCovered"]!);
        Assert.Equal(4, (int)report["limits"]![0]!["tokens"]!);
        Assert.Equal(ExitCodes.Input, unknown.Code);
        Assert.Contains("c.xml", unknown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_known_and_nothing_there_are_refused()
    {
        string letter = _folder.Write("letter.txt", "dear");

        AlmAnswer unknown = await RunAsync("inspect", letter);
        AlmAnswer missing = await RunAsync("inspect", _folder["none"]);
        AlmAnswer noRun = await RunAsync("repair", _folder.Path);
        AlmAnswer noReport = await RunAsync("report", _folder.Path);
        AlmAnswer noChecksum = await RunAsync("verify", letter);
        AlmAnswer usage = await RunAsync("inspect", "pair", letter);

        foreach (AlmAnswer answer in (AlmAnswer[])[unknown, missing, noRun, noReport, noChecksum])
            Assert.Equal(ExitCodes.Input, answer.Code);
        Assert.Contains("Parquet file", unknown.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(letter));
        Assert.Equal(ExitCodes.Definition, usage.Code);
        Assert.Contains("see: alm inspect pair --help", usage.Error, StringComparison.Ordinal);
    }

    private async Task CheckInspectionsAsync(string shards, string student)
    {
        AlmAnswer table = await RunAsync("inspect", shards);
        Assert.Contains("scores per teacher token", table.Output, StringComparison.Ordinal);
        Assert.Contains("4.00 bytes", table.Output, StringComparison.Ordinal);
        Assert.Contains("all but text per teacher token", table.Output, StringComparison.Ordinal);
        Assert.Contains("made from teacher", table.Output, StringComparison.Ordinal);
        JsonNode json = JsonNode.Parse((await RunAsync("inspect", shards, "--json")).Output)!;
        Assert.Equal(40, (int)json["records"]!);
        AlmAnswer one = await RunAsync("inspect", Directory.GetFiles(shards, "*.alm")[0]);
        Assert.StartsWith("shard ", one.Output, StringComparison.Ordinal);
        JsonNode model = JsonNode.Parse((await RunAsync("inspect", student, "--json")).Output)!;
        Assert.Equal("llama", (string)model["family"]!);
        Assert.Equal(2, (int)model["layers"]!);
        Assert.NotNull(model["tokenizer"]!["tokens"]);
        AlmAnswer tokenizer = await RunAsync("inspect", Path.Combine(student, "tokenizer.json"));
        Assert.StartsWith("tokenizer ", tokenizer.Output, StringComparison.Ordinal);
        string checkpoint = Directory.GetDirectories(Run, "step-*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Last();
        JsonNode step = JsonNode.Parse((await RunAsync("inspect", checkpoint, "--json")).Output)!;
        Assert.Equal(4, (long)step["step"]!);
        Assert.Contains("flow 'distill'", (await RunAsync("inspect", Run)).Output, StringComparison.Ordinal);
    }

    private string WriteDefinition()
    {
        string teacher = ByteModel.Save(_folder["teacher"], seed: 1);
        string texts = _folder.Write("texts.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => $"{{\"text\": \"{i} plus {i * 7} is {i * 8}.\"}}\n")));
        return _folder.Write("d.json", $$"""
            { "name": "small", "device": "cpu", "threads": 1,
              "teacher": { "model": "{{teacher}}" }, "student": { "model": "{{teacher}}", "tokenizer": "bytes" },
              "flows": [
                { "name": "score", "stages": [ { "stage": "read-jsonl", "files": ["{{texts}}"] }, { "stage": "tokenize" }, { "stage": "align" },
                    { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards", "count": 2 } ] },
                { "name": "distill", "stages": [ { "stage": "read-shards", "from": ["run:shards"], "epochs": 0 }, { "stage": "batch", "tokens": 256 },
                    { "stage": "update-student", "to": "student", "objectives": { "alm": {} }, "steps": 4, "learningRate": 1e-3 } ] },
                { "name": "judge", "stages": [ { "stage": "read-jsonl", "files": ["{{texts}}"] },
                    { "stage": "evaluate", "models": [ { "model": "teacher" }, { "model": "run:student" } ] } ] } ] }
            """);
    }

    private static Task<AlmAnswer> RunAsync(params string[] arguments) => Alm.RunAsync(arguments, stages: StageTable.All);

    private static void Flip(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
