using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Tests.Extending;
using Pipeline.Stages;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Teacher.Server;

namespace Pipeline.Host.Tests.Teachers;

/// <summary>A teacher behind a server writes a corpus and scores it as it is written.</summary>
public sealed class ServerWritingTests : IDisposable
{
    private const int Prompts = 12, Shards = 3, NewTokens = 10;

    private readonly TemporaryFolder _folder = new();
    private readonly FakeServer _server = new(259, seed: 3);

    public ServerWritingTests()
    {
        ByteModel.Save(_folder["model"], 3);
        _folder.Write("prompts.jsonl", string.Concat(Enumerable.Range(0, Prompts).Select(i => JsonSerializer.Serialize(new { text = $"Tom has {i}" }) + "\n")));
    }

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(ServerKind.Vllm)]
    [InlineData(ServerKind.Sglang)]
    [InlineData(ServerKind.Completions)]
    public async Task Prompts_come_back_with_what_the_server_wrote_drawn_by_a_seed_of_their_own(ServerKind kind)
    {
        AlmAnswer done = await RunAsync("run", kind);
        Assert.True(done.Code == 0, done.Error + done.Output);
        Example[] examples = Examples("run");
        Assert.Equal(Prompts, examples.Length);
        Assert.All(examples, (e, i) => Assert.StartsWith($"Tom has {i}", e.Text, StringComparison.Ordinal));
        Assert.All(examples, e => Assert.InRange(e.Text.Length, "Tom has 0".Length + (NewTokens / 2), "Tom has 10".Length + NewTokens));
        JsonNode[] asked = [.. _server.Asked.Where(a => Seed(a) is not null)];
        Assert.Equal(Prompts, asked.Select(a => (int)Seed(a)!).Distinct().Count());
        JsonNode sampling = asked[0]["sampling_params"] ?? asked[0];
        Assert.Equal((0.7, 0.9, NewTokens), ((double)sampling["temperature"]!, (double)sampling["top_p"]!, (int)(sampling["max_tokens"] ?? sampling["max_new_tokens"])!));
        // Ids are sent: bos, and the bytes of the text.
        Assert.Contains(asked, a => (a["prompt"] ?? a["input_ids"])!.AsArray().Select(i => (int)i!).SequenceEqual([256, .. "Tom has 0"u8.ToArray().Select(b => (int)b)]));
    }

    [Theory]
    [InlineData(ServerKind.Vllm)]
    [InlineData(ServerKind.Sglang)]
    public async Task What_an_error_interrupts_is_written_again_alike(ServerKind kind)
    {
        Assert.Equal(0, (await RunAsync("whole", kind)).Code);
        int requests = _server.Requests;
        foreach (int at in new[] { 4, requests / 3, requests / 2, requests - 5 })
        {
            int from = _server.Requests;
            _server.Status = number => number < from + at ? 200 : 500;
            string run = $"run-{at}";
            Assert.Equal(ExitCodes.Input, (await RunAsync(run, kind)).Code);
            _server.Status = _ => 200;
            AlmAnswer done = await RunAsync(run, kind);
            Assert.True(done.Code == 0, done.Error + done.Output);
            Assert.Equal(Hashes("whole"), Hashes(run));
        }
    }

    [Theory]
    [InlineData("no text", "'text'")]
    [InlineData("no reason", "'finish_reason'")]
    [InlineData("refused", "'content_filter'")]
    [InlineData("two", "2 choices")]
    public async Task What_is_no_continuation_is_an_error_that_says_what_it_was(string fault, string says)
    {
        _server.Change = (_, _, answer) =>
        {
            if (answer["choices"]?[0] is not JsonObject choice || choice["text"] is null)
                return answer;
            if (fault == "no text")
                choice.Remove("text");
            if (fault == "no reason")
                choice.Remove("finish_reason");
            if (fault == "refused")
                choice["finish_reason"] = "content_filter";
            if (fault == "two")
                answer["choices"]!.AsArray().Add(choice.DeepClone());
            return answer;
        };
        AlmAnswer ended = await RunAsync("run", ServerKind.Vllm);
        Assert.Equal(ExitCodes.Input, ended.Code);
        Assert.Contains(says, ended.Error, StringComparison.Ordinal);
        Assert.Contains(_server.Url, ended.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["run/shards"]) && Directory.GetFiles(_folder["run/shards"], "*.alm").Length > 0);
    }

    [Fact]
    public async Task A_backend_that_cannot_write_is_refused_by_name()
    {
        string definition = Definition(ServerKind.Vllm).Replace("\"backend\": \"openai\", \"server\": \"vllm\", \"model\": \"table\"", "\"backend\": \"frequency\", \"model\": \"counts\"", StringComparison.Ordinal)
            .Replace($"\"url\": \"{_server.Url}\", \"retries\": 0, \"inFlight\": 3, \"top\": 5, ", "", StringComparison.Ordinal);
        AlmAnswer refused = await Alm.RunAsync(["check", _folder.Write("other.json", definition), "--run", _folder["other"]], stages: StageTable.All, teachers: [.. TeacherTable.All, FrequencyTeacher.Registration]);
        Assert.Contains("a teacher that generates text, which a teacher of backend 'frequency' does not provide", refused.Error, StringComparison.Ordinal);
    }

    private static JsonNode? Seed(JsonNode asked) => asked["seed"] ?? asked["sampling_params"]?["sampling_seed"];

    private Task<AlmAnswer> RunAsync(string run, ServerKind kind)
        => Alm.RunAsync(["run", _folder.Write("definition.json", Definition(kind)), "--run", _folder[run], "--plain"], stages: StageTable.All);

    private string Definition(ServerKind kind) => $$"""
        { "name": "x", "seed": 5, "student": { "tokenizer": "bytes", "model": {{JsonSerializer.Serialize(_folder["model"])}} }, "device": "cpu", "threads": 1,
          "teacher": { "backend": "openai", "server": "{{kind.ToString().ToLowerInvariant()}}", "model": "table", "url": "{{_server.Url}}", "retries": 0, "inFlight": 3, "top": 5, "tokenizer": {{JsonSerializer.Serialize(_folder["model"])}} },
          "flows": [ { "name": "score", "stages": [ { "stage": "read-jsonl", "files": [{{JsonSerializer.Serialize(_folder["prompts.jsonl"])}}] },
            { "stage": "generate-text", "maxNewTokens": {{NewTokens}}, "temperature": 0.7, "topP": 0.9, "batch": 4 },
            { "stage": "tokenize" }, { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards", "count": {{Shards}} } ] } ] }
        """;

    private Example[] Examples(string run)
    {
        ShardSet set = ShardSet.Open(new DiskStorage(), _folder[$"{run}/shards"], new Dictionary<string, string>());
        return [.. Enumerable.Range(0, set.BlockCount).SelectMany(set.ReadBlock)];
    }

    private string[] Hashes(string run)
        => [.. Directory.GetFiles(_folder[$"{run}/shards"], "*.alm").Order(StringComparer.Ordinal).Select(f => $"{Path.GetFileName(f)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))}")];
}
