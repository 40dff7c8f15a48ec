using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Teacher.Server;

namespace Pipeline.Host.Tests.Teachers;

/// <summary>Whole runs against a server: what it says is in the shards, what it says wrong is not, and its key is nowhere.</summary>
public sealed class ServerRunTests : IDisposable
{
    private const string Key = "sk-no-one-may-see-this-4711";
    private const int Documents = 24, Shards = 4;

    private readonly TemporaryFolder _folder = new();
    private readonly FakeServer _server = new(259, seed: 3);
    private readonly string _variable = $"ALM_TEST_KEY_{Guid.NewGuid():N}";

    public ServerRunTests()
    {
        Environment.SetEnvironmentVariable(_variable, Key);
        ByteModel.Save(_folder["model"], 3);
        _folder.Write("in.jsonl", string.Concat(Enumerable.Range(0, Documents).Select(i => JsonSerializer.Serialize(new { text = $"Tom has {i} apples, and Ann {2 * i}." }) + "\n")));
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(_variable, null);
        _server.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(ServerKind.Vllm, "append-midpoint")]
    [InlineData(ServerKind.Sglang, "append-lower")]
    [InlineData(ServerKind.Completions, "append-lower")]
    public async Task Every_kind_of_server_leaves_shards_with_bounds_that_a_student_learns_from(ServerKind kind, string boundary)
    {
        AlmAnswer done = await RunAsync("run", kind, alm: $"{{ \"boundary\": \"{boundary}\" }}");
        Assert.True(done.Code == 0, done.Error + done.Output);
        ShardSet set = Open("run");
        Assert.Equal((BoundaryKnowledge.Interval, 2), (set.Fingerprint.Boundary, set.Fingerprint.Version));
        Example[] examples = Examples(set);
        Assert.Equal(Documents, examples.Length);
        Assert.All(examples, AssertTrue);
        Assert.True(File.Exists(_folder["run/student/model.safetensors"]));
        // Half of what is not known lies on both sides of γ: such chunks are merged, and said.
        Assert.Contains("straddlingChunks", await File.ReadAllTextAsync(_folder["run/report.json"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ServerKind.Vllm)]
    [InlineData(ServerKind.Sglang)]
    public async Task A_whole_distribution_leaves_shards_of_known_masses(ServerKind kind)
    {
        AlmAnswer done = await RunAsync("run", kind, whole: true, alm: "{}");
        Assert.True(done.Code == 0, done.Error + done.Output);
        ShardSet set = Open("run");
        Assert.Equal((BoundaryKnowledge.Exact, 1), (set.Fingerprint.Boundary, set.Fingerprint.Version));
        Assert.All(Examples(set), AssertTrue);
    }

    /// <summary>A fault in the middle of a run: an error that names it, nothing of it in a shard, and the run goes on from what is committed.</summary>
    [Theory]
    [MemberData(nameof(ServerFaults.All), MemberType = typeof(ServerFaults))]
    public async Task A_fault_ends_the_run_by_name_and_leaves_nothing_wrong(ServerKind kind, string fault, string says)
    {
        // Three probes before a part and three after it: the fault comes in the third part.
        ServerFaults.Plant(_server, kind, fault, from: 2 * (3 + (Documents / Shards) + 3) + 4);
        AlmAnswer ended = await RunAsync("run", kind);
        Assert.Equal(ExitCodes.Input, ended.Code);
        Assert.Contains(says, ended.Error, StringComparison.Ordinal);
        Assert.Contains(_server.Url, ended.Error, StringComparison.Ordinal);
        Assert.Equal(2, CommittedShards());
        ServerFaults.Plant(_server, kind, "none");
        AlmAnswer done = await RunAsync("run", kind);
        Assert.True(done.Code == 0, done.Error + done.Output);
        Example[] examples = Examples(Open("run"));
        Assert.Equal(Documents, examples.Length);
        Assert.All(examples, AssertTrue);
    }

    [Fact]
    public async Task Half_answers_and_refusals_for_load_are_asked_again_and_leave_no_trace()
    {
        (_server.Status, _server.RetryAfter) = (number => number % 7 == 3 ? 429 : number % 7 == 5 ? 503 : 200, "0");
        _server.Text = (number, text) => number % 11 == 4 ? null : text;
        AlmAnswer done = await RunAsync("run", ServerKind.Vllm, retries: 6);
        Assert.True(done.Code == 0, done.Error + done.Output);
        Assert.All(Examples(Open("run")), AssertTrue);
    }

    [Fact]
    public async Task Another_model_after_a_restart_is_refused_and_the_first_one_goes_on()
    {
        _server.Status = number => number < 20 ? 200 : 500;
        Assert.Equal(ExitCodes.Input, (await RunAsync("run", ServerKind.Vllm)).Code);
        int committed = CommittedShards();
        Assert.InRange(committed, 1, Shards - 1);
        _server.Status = _ => 200;
        _server.Teach(seed: 4);
        AlmAnswer refused = await RunAsync("run", ServerKind.Vllm);
        Assert.Equal(ExitCodes.Input, refused.Code);
        Assert.Contains("is not the one this run began with", refused.Error, StringComparison.Ordinal);
        Assert.Equal(committed, CommittedShards());
        _server.Teach(seed: 3);
        AlmAnswer done = await RunAsync("run", ServerKind.Vllm);
        Assert.True(done.Code == 0, done.Error + done.Output);
        Assert.All(Examples(Open("run")), AssertTrue);
    }

    /// <summary>It comes in the middle of a part: what was scored after it is not committed.</summary>
    [Fact]
    public async Task Another_model_in_the_middle_of_a_part_is_refused_with_the_part()
    {
        _server.Change = (number, _, answer) =>
        {
            if (number == 5)
                _server.Teach(seed: 4);
            return answer;
        };
        AlmAnswer refused = await RunAsync("run", ServerKind.Vllm);
        Assert.Equal(ExitCodes.Input, refused.Code);
        Assert.Contains("is not the one this run began with", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, CommittedShards());
    }

    [Fact]
    public async Task The_key_is_sent_and_written_nowhere()
    {
        _server.Status = number => number < 20 ? 200 : 401;
        _server.Refusal = $"{{\"error\": \"the key {Key} has no credit left\"}}";
        AlmAnswer refused = await RunAsync("run", ServerKind.Vllm);
        Assert.Equal(ExitCodes.Input, refused.Code);
        Assert.Contains("(the key) has no credit left", refused.Error, StringComparison.Ordinal);
        _server.Status = _ => 200;
        AlmAnswer done = await RunAsync("run", ServerKind.Vllm), check = await AskAsync("check", ServerKind.Vllm), status = await Alm.RunAsync(["status", _folder["run"]], stages: StageTable.All);
        Assert.True(done.Code == 0, done.Error + done.Output);
        Assert.NotEmpty(_server.Signatures);
        Assert.All(_server.Signatures, s => Assert.Equal($"Bearer {Key}", s));
        foreach (AlmAnswer answer in new[] { refused, done, check, status })
            Assert.DoesNotContain(Key, answer.Output + answer.Error, StringComparison.Ordinal);
        string[] files = Directory.GetFiles(_folder["run"], "*", SearchOption.AllDirectories);
        Assert.Contains(files, f => Path.GetFileName(f) == "report.html");
        Assert.All(files, f => Assert.False(File.ReadAllBytes(f).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(Key)) >= 0, $"{f} holds the key"));
    }

    [Fact]
    public async Task A_key_that_is_not_set_is_an_error_that_names_the_variable()
    {
        Environment.SetEnvironmentVariable(_variable, null);
        AlmAnswer refused = await RunAsync("run", ServerKind.Vllm);
        Assert.Equal(ExitCodes.Input, refused.Code);
        Assert.Contains(_variable, refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_says_rate_requests_bytes_cost_and_time_and_asks_nobody()
    {
        AlmAnswer check = await AskAsync("check", ServerKind.Vllm, more: ", \"requestsPerMinute\": 12, \"pricePerMillionTokens\": 250, \"tokensPerSecond\": 100000");
        Assert.True(check.Code == 0, check.Error);
        foreach (string says in new[] { "rate", "most requests per minute", "requests", "in flight", "received", "cost", "in its currency", "time", "by requestsPerMinute" })
            Assert.Contains(says, check.Output, StringComparison.Ordinal);
        Assert.Equal(0, _server.Requests);
    }

    private Task<AlmAnswer> RunAsync(string run, ServerKind kind, bool whole = false, string? alm = null, int retries = 0)
        => AskAsync("run", kind, whole, alm, retries, run: run);

    private Task<AlmAnswer> AskAsync(string command, ServerKind kind, bool whole = false, string? alm = null, int retries = 0, string more = "", string run = "run")
    {
        string distill = alm is null ? "" : $$"""
            , { "name": "distill", "stages": [ { "stage": "read-shards", "epochs": 0, "from": ["run:shards"] }, { "stage": "batch", "tokens": 512 },
                { "stage": "update-student", "to": "student", "steps": 2, "learningRate": 1e-3, "objectives": { "alm": {{alm}} } } ] }
            """;
        string definition = _folder.Write("definition.json", $$"""
            { "name": "x", "student": { "model": {{JsonSerializer.Serialize(_folder["model"])}} }, "device": "cpu", "threads": 1,
              "teacher": { "backend": "openai", "server": "{{kind.ToString().ToLowerInvariant()}}", "model": "table", "tokenizer": {{JsonSerializer.Serialize(_folder["model"])}},
                "url": "{{_server.Url}}", "keyVariable": "{{_variable}}", "retries": {{retries}}, "inFlight": 1, "wholeDistribution": {{(whole ? "true" : "false")}}{{more}} },
              "flows": [ { "name": "score", "stages": [ { "stage": "read-jsonl", "files": [{{JsonSerializer.Serialize(_folder["in.jsonl"])}}] }, { "stage": "tokenize" },
                { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards", "count": {{Shards}} } ] }{{distill}} ] }
            """);
        string[] plain = command == "run" ? ["--plain"] : [];
        return Alm.RunAsync([command, definition, "--run", _folder[run], .. plain], stages: StageTable.All);
    }

    private int CommittedShards() => Directory.Exists(_folder["run/shards"]) ? Directory.GetFiles(_folder["run/shards"], "*.alm").Length : 0;

    private ShardSet Open(string run) => ShardSet.Open(new DiskStorage(), _folder[$"{run}/shards"], new Dictionary<string, string>());

    private static Example[] Examples(ShardSet set) => [.. Enumerable.Range(0, set.BlockCount).SelectMany(set.ReadBlock)];

    /// <summary>Every number is the table's, to the digits that a shard keeps, and every mass lies within its bounds.</summary>
    private void AssertTrue(Example example)
    {
        (int[] ids, TeacherScores scores) = (example.Teacher!.Tokens.Ids, example.Teacher.Scores);
        for (int t = 0; t < ids.Length; t++)
        {
            if (t > 0)
                Assert.Equal(-_server.LogP(ids[t - 1], ids[t]), scores.NegLogLikelihood[t], 5e-3);
            double mass = Enumerable.Range(0, 259).Where(id => id is 32 or 10 or 9 || id >= 256).Sum(id => Math.Exp(_server.LogP(ids[t], id)));
            if (scores.NegLogBoundary is { } known)
                Assert.Equal(mass, Math.Exp(-known[t]), 1e-3);
            else
                Assert.InRange(mass, Math.Exp(-scores.Interval!.NegLogLower[t]) - 1e-3, Math.Exp(-scores.Interval.NegLogUpper[t]) + 1e-3);
        }
    }
}
