using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tests.Text;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Serving;

/// <summary>What a server says of texts is what <c>alm score</c> says.</summary>
public sealed class ServeScoringTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string Teacher = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_harness_gets_of_questions_what_score_says_from_a_model_its_byte_student_and_ensembles_of_both_kinds()
    {
        string[] questions = Questions(200);
        Assert.Equal(200, questions.Length);
        string bytes = await ByteStudent.MakeAsync(_folder);
        await using ServedAlm server = await ServedAlm.StartAsync(
            "--model", $"teacher={Teacher}", "--model", $"bytes={bytes}", "--ensemble", "twice=teacher,teacher", "--ensemble", "both=teacher,bytes");

        foreach ((string name, string folder) in ((string, string)[])[("teacher", Teacher), ("bytes", bytes), ("twice", Teacher)])
        {
            double[] expected = await ScoreAsync(folder, questions);
            double[] found = await AskAsync(server, name, questions);
            double worst = expected.Zip(found, (a, b) => Math.Abs(a - b) / Math.Max(1, Math.Abs(a))).Max();
            output.WriteLine($"{name}: {questions.Length} questions, off by {worst:g3} of each");
            Assert.True(worst <= 1e-5, $"{name}: off by {worst:g3}");
        }
        string[] some = questions[..4];
        double[][][] p = await NextBytesAsync(Teacher, some), q = await NextBytesAsync(bytes, some);
        double[] both = await AskAsync(server, "both", some);
        for (int i = 0; i < some.Length; i++)
        {
            byte[] text = System.Text.Encoding.UTF8.GetBytes(some[i]);
            double expected = text.Select((b, k) => Math.Log((p[i][k][b] + q[i][k][b]) / 2)).Sum();
            Assert.Equal(expected, both[i], 1e-5 * Math.Abs(expected));
        }
    }

    [Fact]
    public async Task Asked_one_after_another_behind_a_common_beginning_the_answers_are_the_same()
    {
        string context = string.Concat(Questions(6).Select(q => q + "\n")), bytes = ByteModel.Save(_folder["bytes"], seed: 4);
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={Teacher}");
        await using ServedAlm fresh = await ServedAlm.StartAsync("--model", $"teacher={Teacher}", "--prefix-tokens", "0");
        HarnessClient warm = new(server, "teacher"), cold = new(fresh, "teacher");
        await warm.BeginAsync();
        await cold.BeginAsync();
        foreach (string choice in (string[])["The answer is 12", "The answer is 7", "Tom", " The answer is 12 apples"])
        {
            (double found, bool isGreedy) = await warm.LogLikelihoodAsync(context, choice);
            (double expected, bool isExpected) = await cold.LogLikelihoodAsync(context, choice);
            Assert.Equal(expected, found, 1e-4);
            Assert.Equal(isExpected, isGreedy);
        }
        // What is most likely is greedy, and its number is the same one in both lists.
        JsonNode said = await server.PostAsync("v1/completions", new { prompt = "Tom has 3 apples", max_tokens = 5, temperature = 0 });
        string text = (string)said["choices"]![0]!["text"]!;
        Assert.True((await warm.LogLikelihoodAsync("Tom has 3 apples", text)).IsGreedy);
        Assert.False((await warm.LogLikelihoodAsync("Tom has 3 apples", "zq")).IsGreedy);
    }

    [Fact]
    public async Task Answers_behind_a_common_beginning_are_those_of_a_server_that_keeps_nothing()
    {
        string bytes = ByteModel.Save(_folder["bytes"], seed: 4), context = string.Concat(Questions(8).Select(q => q + "\n"))[..280];
        string[] models = ["--model", $"teacher={Teacher}", "--model", $"bytes={bytes}", "--ensemble", "twice=teacher,teacher", "--ensemble", "both=teacher,bytes", "--weights", "4,1"];
        await using ServedAlm server = await ServedAlm.StartAsync(models);
        await using ServedAlm fresh = await ServedAlm.StartAsync([.. models, "--prefix-tokens", "0"]);
        foreach (string model in (string[])["teacher", "bytes", "twice", "both"])
        {
            // Another ending, the same text again, one that is cut inside a token, and the answer to the last one gone on with.
            string said = "";
            foreach (string ending in (string[])["Tom has 3 apples and", "Ann has 4", "Ann has 4", "Ann ha", "Ann ha…"])
            {
                var body = new { model, prompt = context + ending.Replace("…", said, StringComparison.Ordinal), max_tokens = 12, temperature = 0, logprobs = 1 };
                JsonNode found = (await server.PostAsync("v1/completions", body))["choices"]![0]!, expected = (await fresh.PostAsync("v1/completions", body))["choices"]![0]!;
                Assert.Equal((string)expected["text"]!, (string)found["text"]!);
                foreach ((JsonNode? a, JsonNode? b) in expected["logprobs"]!["token_logprobs"]!.AsArray().Zip(found["logprobs"]!["token_logprobs"]!.AsArray()))
                    Assert.Equal((double)a!, (double)b!, 1e-4);
                said = (string)found["text"]!;
            }
        }
        Assert.Equal("", server.Error);
    }

    [Fact]
    public async Task Prompt_logprobs_list_ids_with_ranks_and_the_whole_vocabulary_sums_to_one()
    {
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={Teacher}");
        int[] ids = [1022, .. await new HarnessClient(server, "teacher").EncodeAsync("Tom has 3 apples")];
        JsonNode some = await server.PostAsync("v1/completions", new { prompt = ids, max_tokens = 1, temperature = 1, prompt_logprobs = 3 });
        JsonNode all = await server.PostAsync("v1/completions", new { prompt = ids, max_tokens = 1, temperature = 1, prompt_logprobs = -1 });
        JsonArray few = some["choices"]![0]!["prompt_logprobs"]!.AsArray(), whole = all["choices"]![0]!["prompt_logprobs"]!.AsArray();
        Assert.Equal((ids.Length, ids.Length), (few.Count, whole.Count));
        Assert.Null(few[0]);
        for (int i = 1; i < ids.Length; i++)
        {
            JsonObject listed = whole[i]!.AsObject();
            Assert.Equal(1024, listed.Count);
            Assert.Equal(1, listed.Sum(t => Math.Exp((double)t.Value!["logprob"]!)), 1e-4);
            double own = (double)listed[$"{ids[i]}"]!["logprob"]!;
            Assert.Equal(1 + listed.Count(t => (double)t.Value!["logprob"]! > own), (int)listed[$"{ids[i]}"]!["rank"]!);
            Assert.Equal((double)few[i]![$"{ids[i]}"]!["logprob"]!, own, 1e-5);
            Assert.Subset(listed.OrderByDescending(t => (double)t.Value!["logprob"]!).Take(3).Select(t => t.Key).Append($"{ids[i]}").ToHashSet(), few[i]!.AsObject().Select(t => t.Key).ToHashSet());
        }
    }

    private static async Task<double[]> AskAsync(ServedAlm server, string model, string[] questions)
    {
        var client = new HarnessClient(server, model);
        await client.BeginAsync();
        return await Task.WhenAll(questions.Select(async question => (await client.LogLikelihoodAsync("", question)).LogLikelihood));
    }

    private async Task<double[]> ScoreAsync(string model, string[] texts)
    {
        Assert.Equal(0, (await Alm.RunAsync(["score", "--model", model, "--input", Lines(texts), "-o", _folder["scores.jsonl"]])).Code);
        return [.. (await File.ReadAllLinesAsync(_folder["scores.jsonl"])).Select(line => JsonNode.Parse(line)!["logLikelihoods"]!.AsArray().Skip(1).Sum(value => (double)value!))];
    }

    private async Task<double[][][]> NextBytesAsync(string model, string[] texts)
    {
        Assert.Equal(0, (await Alm.RunAsync(["score", "--model", model, "--input", Lines(texts), "--next-bytes", _folder["next.safetensors"]])).Code);
        using SafetensorsFile tensors = SafetensorsFile.Open(_folder["next.safetensors"], new DiskStorage());
        return [.. texts.Select((_, i) => tensors.View($"{i}.logp").data<float>().ToArray().Chunk(257).Select(row => row.Select(l => Math.Exp(l)).ToArray()).ToArray())];
    }

    private string Lines(string[] texts) => _folder.Write("in.jsonl", string.Concat(texts.Select(text => JsonSerializer.Serialize(new { text }) + "\n")));

    // Questions of gsm8k; the project's own kind of them where the shared folder does not exist.
    private string[] Questions(int count)
    {
        if (SharedFolder.Below("data", output) is not { } data)
            return [.. Enumerable.Range(1, count).Select(i => $"Tom has {i} apples and gives {i / 2} to Ann. How many are left?")];
        return [.. Duck.Texts($"SELECT question FROM '{Path.Combine(data, "gsm8k-train.parquet")}' LIMIT {count}").Select(text => text!)];
    }
}
