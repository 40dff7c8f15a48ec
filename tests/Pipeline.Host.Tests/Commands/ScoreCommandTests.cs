using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Stages.Models;

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
        Assert.Contains("'agreement' names 'nobody', which is none of 'first', 'other', 'same'", refused.Error, StringComparison.Ordinal);
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
