using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;

namespace Pipeline.Host.Tests.Commands;

/// <summary>Scoring and judging agree with the model's own logits and with each other.</summary>
public sealed class ScoreCommandTests : IDisposable
{
    private const string Text = "née 7 + 5 = 12";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Each_token_has_the_log_likelihood_that_the_logits_say()
    {
        string model = ByteModel.Save(_folder["model"], seed: 4);
        string input = _folder.Write("in.jsonl", $"{{\"text\": \"{Text}\"}}\n{{\"text\": 5}}\n");

        AlmAnswer answer = await Alm.RunAsync(["score", "--model", model, "--input", input, "--output", _folder["out.jsonl"]]);

        Assert.Equal(0, answer.Code);
        Assert.Contains("1 scored, 1 could not be", answer.Error, StringComparison.Ordinal);
        JsonNode[] lines = [.. (await File.ReadAllLinesAsync(_folder["out.jsonl"])).Select(l => JsonNode.Parse(l)!)];
        int[] ids = [ByteModel.Bos, .. Encoding.UTF8.GetBytes(Text)];
        Assert.Equal(ids, lines[0]["ids"]!.AsArray().Select(i => (int)i!));
        JsonArray likelihoods = lines[0]["logLikelihoods"]!.AsArray();
        Assert.Null(likelihoods[0]);
        using CausalLm decoder = ByteModel.Load(model);
        double sum = 0;
        for (int t = 1; t < ids.Length; t++)
        {
            double expected = LogSoftmax(ByteModel.Logits(decoder, ids[..t]))[ids[t]];
            Assert.Equal(expected, (double)likelihoods[t]!, 1e-4);
            sum += expected;
        }
        Assert.Equal(ids.Length, lines[0]["logBoundaryMasses"]!.AsArray().Count);
        Assert.Equal(-sum / Math.Log(2) / (ids.Length - 1), (double)lines[0]["bitsPerByte"]!, 1e-4);
        Assert.NotEqual("", (string)lines[1]["error"]!);
    }

    [Fact]
    public async Task Next_bytes_of_a_byte_model_are_its_own_logits_over_bytes_and_the_end()
    {
        string model = ByteModel.Save(_folder["model"], seed: 4), file = _folder["next.safetensors"];
        string longText = string.Concat(Enumerable.Repeat("one and two. ", 60));
        string input = _folder.Write("in.jsonl", $"{{\"text\": \"{Text}\"}}\n{{\"text\": 5}}\n{{\"text\": \"{longText}\"}}\n");

        AlmAnswer answer = await Alm.RunAsync(["score", "--model", model, "--input", input, "--next-bytes", file]);

        Assert.Equal((0, "2 scored, 1 have no tensor\n"), (answer.Code, answer.Error));
        using SafetensorsFile tensors = SafetensorsFile.Open(file, new DiskStorage());
        Assert.Equal("exact", tensors.Metadata["bytes"]);
        Assert.Equal(["0.logp", "2.logp"], tensors.Entries.Select(e => e.Name).Order());
        byte[] bytes = Encoding.UTF8.GetBytes(Text);
        float[] rows = tensors.View("0.logp").data<float>().ToArray();
        Assert.Equal([bytes.Length + 1, 257], tensors.Entry("0.logp").Shape);
        // More bytes than the model has positions: windows, and still a row for each byte.
        Assert.Equal([longText.Length + 1, 257], tensors.Entry("2.logp").Shape);
        using CausalLm decoder = ByteModel.Load(model);
        for (int k = 0; k <= bytes.Length; k++)
        {
            // Rows of 256 bytes, <s>, </s>, <pad>: of the marks only the end can come.
            float[] logits = ByteModel.Logits(decoder, [ByteModel.Bos, .. bytes[..k]]), all = [.. logits[..256], logits[257]];
            Assert.True(NotUtf8(bytes, k) || Enumerable.Range(0, 257).All(x =>
                float.IsNegativeInfinity(rows[(k * 257) + x]) || Math.Abs(rows[(k * 257) + x] - rows[(k * 257) + 'a'] - (all[x] - all['a'])) < 1e-3), $"row {k}");
            Assert.Equal(1, rows.AsSpan(k * 257, 257).ToArray().Sum(l => Math.Exp(l)), 1e-5);
        }
    }

    [Fact]
    public async Task By_its_exact_next_bytes_a_text_costs_no_more_than_by_its_tokens()
    {
        string model = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
        string input = _folder.Write("in.jsonl", "{\"text\": \"Tom has 3 apples and gives 2 to Ann.\"}\n{\"text\": \"\"}\n"), file = _folder["next.safetensors"];

        AlmAnswer answer = await Alm.RunAsync(["score", "--model", model, "--input", input, "--next-bytes", file, "-o", _folder["out.jsonl"]]);

        Assert.Equal(0, answer.Code);
        double tokens = (double)JsonNode.Parse((await File.ReadAllLinesAsync(_folder["out.jsonl"]))[0])!["bitsPerByte"]!;
        using SafetensorsFile tensors = SafetensorsFile.Open(file, new DiskStorage());
        byte[] bytes = Encoding.UTF8.GetBytes("Tom has 3 apples and gives 2 to Ann.");
        float[] rows = tensors.View("0.logp").data<float>().ToArray();
        double exact = -bytes.Select((b, k) => (double)rows[(k * 257) + b]).Sum() / Math.Log(2) / bytes.Length;
        Assert.InRange(exact, 0.3 * tokens, tokens + 1e-4);
        Assert.Equal([1L, 257], tensors.Entry("1.logp").Shape);
    }

    private static bool NotUtf8(byte[] bytes, int end) => end > 0 && bytes[end - 1] >= 0xC0;

    [Fact]
    public async Task Models_are_judged_side_by_side_with_the_same_bits_as_their_scores()
    {
        string[] models = [ByteModel.Save(_folder["a"], seed: 4), ByteModel.Save(_folder["b"], seed: 5)];
        string text = _folder.Write("held.txt", Text);

        AlmAnswer answer = await Alm.RunAsync(
            ["evaluate", "--model", $"first={models[0]}", "--model", models[1], "--text", text, "--json", _folder["report.json"]]);

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Contains("first", answer.Output, StringComparison.Ordinal);
        Assert.Contains("bits per byte", answer.Output, StringComparison.Ordinal);
        JsonArray results = JsonNode.Parse(await File.ReadAllTextAsync(_folder["report.json"]))!["models"]!.AsArray();
        Assert.Equal(["first", models[1]], results.Select(r => (string)r!["name"]!));
        for (int i = 0; i < 2; i++)
            Assert.Equal(await BitsPerByteAsync(models[i]), (double)results[i]!["bitsPerByte"]!, 1e-4);
        Assert.NotEqual((double)results[0]!["bitsPerByte"]!, (double)results[1]!["bitsPerByte"]!);
    }

    [Fact]
    public async Task Models_are_compared_with_one_of_them_by_their_next_bytes()
    {
        string[] models = [ByteModel.Save(_folder["a"], seed: 4), ByteModel.Save(_folder["b"], seed: 5)];
        string text = _folder.Write("held.txt", Text);
        string[] command = ["evaluate", "--model", $"first={models[0]}", "--model", $"other={models[1]}", "--model", $"same={models[0]}", "--text", text];

        AlmAnswer answer = await Alm.RunAsync([.. command, "--agreement", "first", "--json", _folder["report.json"]]);

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Contains("agrees with first  offsets", answer.Output, StringComparison.Ordinal);
        Assert.Matches("same .* 100.00 % +15\n", answer.Output);
        JsonArray results = JsonNode.Parse(await File.ReadAllTextAsync(_folder["report.json"]))!["models"]!.AsArray();
        Assert.Null(results[0]!["agreement"]);
        byte[] bytes = Encoding.UTF8.GetBytes(Text);
        using CausalLm first = ByteModel.Load(models[0]), other = ByteModel.Load(models[1]);
        double expected = Enumerable.Range(0, bytes.Length).Average(at => NextClass(first, bytes[..at]) == NextClass(other, bytes[..at]) ? 1.0 : 0);
        Assert.Equal(expected, (double)results[1]!["agreement"]!);
        Assert.Equal(bytes.Length, (long)results[1]!["agreementOffsets"]!);

        AlmAnswer refused = await Alm.RunAsync([.. command, "--agreement", "nobody"]);
        Assert.Equal(64, refused.Code);
        Assert.Contains("'agreement' names 'nobody', which is not one of 'first', 'other', 'same'", refused.Error, StringComparison.Ordinal);
    }

    // The three special tokens count together.
    private static int NextClass(CausalLm model, byte[] before)
    {
        double[] p = [.. LogSoftmax(ByteModel.Logits(model, [ByteModel.Bos, .. before.Select(b => (int)b)])).Select(Math.Exp)];
        double[] classes = [.. p[..256], p[256..].Sum()];
        return Array.IndexOf(classes, classes.Max());
    }

    private async Task<double> BitsPerByteAsync(string model)
    {
        string input = _folder.Write("in.jsonl", $"{{\"text\": \"{Text}\"}}\n");
        Assert.Equal(0, (await Alm.RunAsync(["score", "--model", model, "--input", input, "--output", _folder["out.jsonl"]])).Code);
        return (double)JsonNode.Parse(await File.ReadAllTextAsync(_folder["out.jsonl"]))!["bitsPerByte"]!;
    }

    private static double[] LogSoftmax(float[] logits)
    {
        double most = logits.Max(), log = most + Math.Log(logits.Sum(l => Math.Exp(l - most)));
        return [.. logits.Select(l => l - log)];
    }
}
