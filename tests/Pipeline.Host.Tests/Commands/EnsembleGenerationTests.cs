using System.Text;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;

namespace Pipeline.Host.Tests.Commands;

/// <summary>Generation over bytes, held against the distributions that <c>score --next-bytes</c> writes.</summary>
public sealed class EnsembleGenerationTests : IDisposable
{
    private const string Prompt = "Tom has 3 apples and gives 2 to An";
    private static readonly string Teacher = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_model_with_itself_says_what_it_says_alone()
    {
        string alone = await GenerateAsync("--model", Teacher, "--max-tokens", "30");
        Assert.Equal(alone, await GenerateAsync("--ensemble", $"twice={Teacher},{Teacher}", "--max-tokens", "30"));
        Assert.Equal(alone, await GenerateAsync("--model", $"a={Teacher}", "--ensemble", "twice=a,a", "--average", "log-probability", "--weights", "3,-1", "--max-tokens", "30"));
    }

    [Theory]
    [InlineData("probability", "1,1")]
    [InlineData("log-probability", "2,1")]
    public async Task Models_of_unlike_tokenizers_take_the_most_likely_byte_of_their_average_at_every_step(string average, string weights)
    {
        string other = ByteModel.Save(_folder["other"], seed: 4);
        double[] w = [.. weights.Split(',').Select(double.Parse)];

        string text = await GenerateAsync("--ensemble", $"both={Teacher},{other}", "--average", average, "--weights", weights, "--max-tokens", "24");

        byte[] found = Encoding.UTF8.GetBytes(text);
        Assert.InRange(found.Length, 1, 24);
        byte[] whole = [.. Encoding.UTF8.GetBytes(Prompt), .. found];
        double[][] p = await NextBytesAsync(Teacher, whole), q = await NextBytesAsync(other, whole);
        for (int k = whole.Length - found.Length; k < whole.Length; k++)
        {
            double[] mean = [.. p[k].Zip(q[k], (a, b) => average == "probability" ? (w[0] * a) + (w[1] * b) : Math.Pow(a, w[0] / w.Sum()) * Math.Pow(b, w[1] / w.Sum()))];
            Assert.True(mean[whole[k]] >= mean.Max() * 0.999, $"byte {k}: {whole[k]} with {mean[whole[k]]}, the most likely has {mean.Max()}");
        }
    }

    [Fact]
    public async Task A_prompt_that_ends_inside_a_token_goes_on_as_over_bytes()
    {
        // "the app" of "apples": the tokenizer's own tokens of the prompt lead nowhere that the model knows.
        foreach (string prompt in (string[])["Tom has 3 appl", "How man", "She buys 12 ", "The tota"])
        {
            AlmAnswer answer = await Alm.RunAsync(["generate", "--model", Teacher, "--exact-prompt", "--prompt", prompt, "--max-tokens", "1"]);
            Assert.Equal((0, ""), (answer.Code, answer.Error));
            byte[] found = Encoding.UTF8.GetBytes(answer.Output.TrimEnd('\n'));
            Assert.NotEmpty(found);
            byte[] whole = [.. Encoding.UTF8.GetBytes(prompt), .. found];
            double[][] p = await NextBytesAsync(Teacher, whole);
            int at = whole.Length - found.Length;
            // The likeliest first token need not begin with the likeliest byte, but is of those that share the byte's probability.
            Assert.True(p[at][whole[at]] >= p[at].Max() / 8, $"'{prompt}' goes on with '{answer.Output}', of probability {p[at][whole[at]]}");
        }
    }

    [Fact]
    public async Task The_first_token_and_the_next_are_drawn_independently()
    {
        // All bytes are equally likely at every position, so one random number for both tokens would give the same byte twice.
        string uniform = ByteModel.Save(_folder["uniform"], seed: 1, initializerRange: 0);
        List<string> texts = [];
        for (int seed = 1; seed <= 8; seed++)
        {
            AlmAnswer answer = await Alm.RunAsync(
                ["generate", "--model", uniform, "--exact-prompt", "--prompt", "a", "--max-tokens", "2", "--temperature", "1", "--top-k", "100", "--seed", $"{seed}"]);
            Assert.Equal((0, ""), (answer.Code, answer.Error));
            texts.Add(answer.Output[..^Environment.NewLine.Length]);
        }
        Assert.All(texts, text => Assert.Equal(2, text.Length));
        Assert.Contains(texts, text => text[0] != text[1]);
    }

    [Fact]
    public async Task What_cannot_be_is_refused()
    {
        string other = ByteModel.Save(_folder["other"], seed: 4);
        AlmAnswer none = await Alm.RunAsync(["generate", "--prompt", "a"]);
        Assert.Contains("'--model' is required", none.Error, StringComparison.Ordinal);
        AlmAnswer two = await Alm.RunAsync(["generate", "--model", Teacher, "--model", other, "--prompt", "a"]);
        Assert.Contains("only one can answer", two.Error, StringComparison.Ordinal);
        AlmAnswer nobody = await Alm.RunAsync(["generate", "--model", $"a={Teacher}", "--ensemble", "e=a,nobody", "--prompt", "a"]);
        Assert.Contains("'nobody' is neither a folder nor one of the models 'a'", nobody.Error, StringComparison.Ordinal);
        AlmAnswer penalty = await Alm.RunAsync(["generate", "--ensemble", $"e={Teacher},{other}", "--prompt", "a", "--repetition-penalty", "1.1"]);
        Assert.Contains("answers in bytes", penalty.Error, StringComparison.Ordinal);
    }

    private static async Task<string> GenerateAsync(params string[] arguments)
    {
        AlmAnswer answer = await Alm.RunAsync(["generate", .. arguments, "--prompt", Prompt]);
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        return answer.Output[..^Environment.NewLine.Length];
    }

    private async Task<double[][]> NextBytesAsync(string model, byte[] text)
    {
        string input = _folder.Write("in.jsonl", System.Text.Json.JsonSerializer.Serialize(new { text = Encoding.UTF8.GetString(text) }) + "\n"), file = _folder["next.safetensors"];
        Assert.Equal(0, (await Alm.RunAsync(["score", "--model", model, "--input", input, "--next-bytes", file])).Code);
        using SafetensorsFile tensors = SafetensorsFile.Open(file, new DiskStorage());
        return [.. tensors.View("0.logp").data<float>().ToArray().Chunk(257).Select(row => row.Select(l => Math.Exp(l)).ToArray())];
    }
}
