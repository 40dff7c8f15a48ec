using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;

namespace Pipeline.Host.Tests.Commands;

/// <summary>What <c>evaluate</c> says of exact next bytes is what <c>score --next-bytes</c> writes of them.</summary>
public sealed class ExactEvaluationTests : IDisposable
{
    private const string Text = "Tom has 3 apples and gives 2 to Ann. How many are left?";
    private static readonly byte[] Bytes = Encoding.UTF8.GetBytes(Text);
    private static readonly string Teacher = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Exact_figures_and_ensembles_of_unlike_tokenizers_are_those_of_the_distributions_over_next_bytes()
    {
        string student = ByteModel.Save(_folder["student"], seed: 4);
        double[][] p = await NextBytesAsync(Teacher), q = await NextBytesAsync(student);

        JsonNode report = await JudgeAsync(
            "--model", $"teacher={Teacher}", "--model", $"student={student}", "--exact-bytes", "--ensemble", "both=teacher,student", "--weights", "3,1");

        JsonArray models = report["models"]!.AsArray();
        Assert.Equal(["teacher", "student", "both"], models.Select(m => (string)m!["name"]!));
        Assert.Equal("teacher", (string)report["exactWith"]!);
        Assert.Equal(Bits(p), (double)models[0]!["exact"]!["bitsPerByte"]!, 1e-4);
        Assert.Equal(Bits(q), (double)models[1]!["exact"]!["bitsPerByte"]!, 1e-4);
        Assert.InRange((double)models[0]!["exact"]!["bitsPerByte"]!, 0, (double)models[0]!["bitsPerByte"]! + 1e-4);
        Assert.Null(models[0]!["exact"]!["agreement"]);
        double[][] mean = [.. p.Zip(q, (a, b) => a.Zip(b, (x, y) => (0.75 * x) + (0.25 * y)).ToArray())];
        Assert.Equal(Bits(mean), (double)models[2]!["bitsPerByte"]!, 1e-4);
        AssertCompared(p, q, models[1]!["exact"]!);
        AssertCompared(p, mean, models[2]!["exact"]!);
    }

    [Fact]
    public async Task Log_probabilities_with_negative_weights_are_the_quotient_and_one_model_is_itself()
    {
        string[] folders = [Teacher, ByteModel.Save(_folder["a"], seed: 4), ByteModel.Save(_folder["b"], seed: 5)];
        double[][][] p = [await NextBytesAsync(folders[0]), await NextBytesAsync(folders[1]), await NextBytesAsync(folders[2])];
        string[] named = [.. folders.SelectMany((f, i) => (string[])["--model", $"m{i}={f}"])];

        JsonNode proxy = await JudgeAsync([.. named, "--ensemble", "proxy=m0,m1,m2", "--average", "log-probability", "--weights", "1,1,-1"]);
        double[][] quotient = [.. p[0].Select((row, k) => Normalized([.. row.Select((x, i) => x == 0 ? 0 : x * p[1][k][i] / p[2][k][i])]))];
        Assert.Equal(Bits(quotient), (double)proxy["models"]![3]!["bitsPerByte"]!, 1e-4);
        Assert.Equal("bytes", (string)proxy["models"]![3]!["tokenizer"]!);

        JsonNode weighted = await JudgeAsync([.. named, "--ensemble", "first=m0,m1", "--average", "log-probability", "--weights", "1,0"]);
        Assert.Equal(Bits(p[0]), (double)weighted["models"]![3]!["bitsPerByte"]!, 1e-4);
    }

    [Fact]
    public async Task Texts_on_which_a_student_is_behind_are_kept_chunk_by_chunk_of_unlike_tokenizers()
    {
        JsonNode report = await JudgeAsync("--model", $"teacher={Teacher}", "--model", $"student={ByteModel.Save(_folder["student"], seed: 4)}");
        JsonNode text = Assert.Single(Assert.Single(report["differing"]!.AsArray())!["texts"]!.AsArray())!;
        JsonNode[] chunks = [.. text["chunks"]!.AsArray().Select(c => c!)];
        // Bytes end everywhere, so chunks are the teacher's tokens.
        Assert.Equal((int)report["models"]![0]!["tokens"]!, chunks.Length);
        Assert.Equal(Text, string.Concat(chunks.Select(c => (string)c["text"]!)));
        Assert.Equal((double)report["models"]![0]!["bits"]!, chunks.Sum(c => (double)c["teacherBits"]!), 1e-3);
        Assert.Equal((double)report["models"]![1]!["bits"]!, chunks.Sum(c => (double)c["studentBits"]!), 1e-3);
        Assert.All(chunks, c => Assert.True((double)c["studentBits"]! > 0));
    }

    [Theory]
    [InlineData("--ensemble", "both", "expected NAME=a,b,c")]
    [InlineData("--ensemble", "both=a", "has 1 members, expected at least two")]
    [InlineData("--weights", "1,2", "give --ensemble")]
    public async Task An_ensemble_that_is_none_is_refused(string option, string value, string said)
    {
        AlmAnswer answer = await Alm.RunAsync(["evaluate", "--model", Teacher, "--text", _folder.Write("held.txt", Text), option, value]);
        Assert.Equal(64, answer.Code);
        Assert.Contains(said, answer.Error, StringComparison.Ordinal);
    }

    private static void AssertCompared(double[][] reference, double[][] model, JsonNode exact)
    {
        int[] at = [.. Enumerable.Range(0, Bytes.Length)];
        Assert.Equal(at.Average(k => IndexOfLargest(reference[k]) == IndexOfLargest(model[k]) ? 1.0 : 0), (double)exact["agreement"]!, 1e-9);
        double divergence = at.Average(k => reference[k].Zip(model[k], (a, b) => a == 0 ? 0 : a * Math.Log2(a / b)).Sum());
        Assert.Equal(divergence, (double)exact["divergence"]!, 1e-3);
        Assert.Equal((Bytes.Length, 0), ((int)exact["comparedBytes"]!, (int)exact["ruledOutBytes"]!));
    }

    private static int IndexOfLargest(double[] row) => Array.IndexOf(row, row.Max());

    private static double[] Normalized(double[] row) => [.. row.Select(x => x / row.Sum())];

    private static double Bits(double[][] p) => -Bytes.Select((b, k) => Math.Log2(p[k][b])).Average();

    private async Task<double[][]> NextBytesAsync(string model)
    {
        string input = _folder.Write("in.jsonl", $"{{\"text\": \"{Text}\"}}\n"), file = _folder["next.safetensors"];
        Assert.Equal(0, (await Alm.RunAsync(["score", "--model", model, "--input", input, "--next-bytes", file])).Code);
        using SafetensorsFile tensors = SafetensorsFile.Open(file, new DiskStorage());
        return [.. tensors.View("0.logp").data<float>().ToArray().Chunk(257).Select(row => row.Select(l => Math.Exp(l)).ToArray())];
    }

    private async Task<JsonNode> JudgeAsync(params string[] arguments)
    {
        AlmAnswer answer = await Alm.RunAsync(["evaluate", .. arguments, "--text", _folder.Write("held.txt", Text), "--json", _folder["report.json"]]);
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        return JsonNode.Parse(await File.ReadAllTextAsync(_folder["report.json"]))!;
    }
}
