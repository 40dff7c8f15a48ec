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
