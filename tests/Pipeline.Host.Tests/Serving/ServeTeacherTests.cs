using System.Text.Json;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Hosting;
using Pipeline.Stages;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Teacher.Server;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Serving;

/// <summary>A served model as the teacher of a run leaves the shards that the model itself leaves.</summary>
public sealed class ServeTeacherTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string Model = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Chunks_and_counts_are_identical_scores_within_a_hundred_thousandth_and_a_step_of_float16_apart_in_the_shards()
    {
        _folder.Write("in.jsonl", string.Concat(Enumerable.Range(1, 12).Select(i => JsonSerializer.Serialize(new { text = $"Tom has {i} apples and gives {i / 2} to Ann. How many are left? {string.Concat(Enumerable.Repeat("née ", i))}" }) + "\n")));
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={Model}");

        Example[] own = await RunAsync("own", new { model = Model });
        Example[] served = await RunAsync("served", new { backend = "openai", server = "vllm", model = "teacher", tokenizer = Model, url = server.Url, wholeDistribution = true });

        Assert.Equal(own.Length, served.Length);
        double worst = 0;
        foreach ((Example a, Example b) in own.Zip(served))
        {
            Assert.Equal((a.Id, a.Text), (b.Id, b.Text));
            Assert.Equal(a.Chunks, b.Chunks);
            Assert.Equal(a.Teacher!.Tokens.Ids, b.Teacher!.Tokens.Ids);
            Assert.Equal(a.Student.Ids, b.Student.Ids);
            foreach ((float x, float y) in a.Teacher.Scores.NegLogLikelihood.Zip(b.Teacher.Scores.NegLogLikelihood).Concat(a.Teacher.Scores.NegLogBoundary!.Zip(b.Teacher.Scores.NegLogBoundary!)))
            {
                // Near 0 the steps of float16 are finer than what float32 logits know: there 1e-5 is allowed.
                double step = Math.Max(1e-5, (double)(Half.BitIncrement((Half)Math.Max(x, y)) - (Half)Math.Max(x, y)));
                worst = Math.Max(worst, Math.Abs(x - y) / step);
            }
        }
        double unrounded = await UnroundedAsync(server, [.. own.Select(example => new TeacherQuestion(example.Teacher!.Tokens.Ids))]);
        output.WriteLine($"{own.Length} examples, scores at most {worst} steps apart in the shards, {unrounded:g3} nats before that");
        Assert.InRange(worst, 0, 1);
        Assert.InRange(unrounded, 0, 1e-5);
        Assert.Equal("", server.Error);
    }

    [Fact]
    public async Task A_served_model_writes_what_the_model_itself_writes()
    {
        _folder.Write("in.jsonl", string.Concat(Enumerable.Range(1, 6).Select(i => JsonSerializer.Serialize(new { text = $"Tom has {i} apples and" }) + "\n")));
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={Model}");
        object write = new { stage = "generate-text", maxNewTokens = 12, temperature = 0, batch = 4 };
        Example[] own = await RunAsync("own", new { model = Model }, write);
        Example[] served = await RunAsync("served", new { backend = "openai", server = "vllm", model = "teacher", tokenizer = Model, url = server.Url, wholeDistribution = true }, write);
        Assert.Equal(own.Select(e => e.Text), served.Select(e => e.Text));
        Assert.All(own, e => Assert.True(e.Text.Length > "Tom has 1 apples and".Length));
    }

    // The same rows asked of both teachers, as they say them: shards keep 16 bits of each.
    private async Task<double> UnroundedAsync(ServedAlm server, TeacherQuestion[] rows)
    {
        var storage = new DiskStorage();
        TextTokenizer tokenizer = TextTokenizer.Load(Model, storage);
        using TorchDevice device = TorchDevice.Create(DeviceChoice.Cpu, 1);
        await using var own = new TorchTeacher(Model, tokenizer, storage, device);
        await using var served = new OpenAiTeacher(
            new OpenAiTeacherDefinition { Model = "teacher", Tokenizer = Model, Url = server.Url, Server = ServerKind.Vllm, WholeDistribution = true }, tokenizer, storage, _folder.Path, new TeacherConnections());
        IReadOnlyList<TeacherAnswer> expected = await own.ScoreAsync(new TeacherRequest(rows), default), found = await served.ScoreAsync(new TeacherRequest(rows), default);
        static IEnumerable<float> Numbers(TeacherScores scores) => scores.NegLogLikelihood.Concat(scores.NegLogBoundary!);
        return expected.Zip(found).SelectMany(pair => Numbers(pair.First.Scores).Zip(Numbers(pair.Second.Scores), (a, b) => Math.Abs((double)a - b))).Max();
    }

    private async Task<Example[]> RunAsync(string name, object teacher, params object[] beforeTokenizing)
    {
        string definition = _folder.Write($"{name}.json", JsonSerializer.Serialize(new
        {
            name,
            teacher,
            student = new { model = Model, tokenizer = "bytes" },
            flows = new[]
            {
                new
                {
                    name = "score",
                    stages = (object[])
                    [
                        new { stage = "read-jsonl", files = new[] { _folder["in.jsonl"] } },
                        .. beforeTokenizing,
                        new { stage = "tokenize" },
                        new { stage = "align" },
                        new { stage = "score-teacher" },
                        new { stage = "write-shards", to = "shards", count = 1 },
                    ],
                },
            },
        }));
        AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", _folder[$"run-{name}"]], stages: StageTable.All);
        Assert.True(answer.Code == 0, answer.Error + answer.Output);
        string shard = Directory.GetFiles(Path.Combine(_folder[$"run-{name}"], "shards"), "*", SearchOption.AllDirectories).Single(file => Path.GetFileName(file).StartsWith("shard", StringComparison.Ordinal));
        return [.. ShardReader.Open(new DiskStorage(), shard).ReadAll()];
    }
}
