using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Commands;

public sealed class TokenizeCommandTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_line_gets_its_ids_and_marks_and_text_on_request()
    {
        string input = _folder.Write("in.jsonl", "{\"text\": \"né\", \"other\": 1}\n{\"text\": \"\"}\n");

        AlmAnswer plain = await Alm.RunAsync(["tokenize", "--tokenizer", "bytes", "--input", input, "--output", _folder["plain.jsonl"]]);
        AlmAnswer full = await Alm.RunAsync(["tokenize", "--tokenizer", "bytes", "--input", input, "--output", _folder["full.jsonl"], "--add-special-tokens", "--decode"]);

        Assert.Equal((0, ""), (plain.Code, plain.Error));
        Assert.Equal(0, full.Code);
        Assert.Equal(["{\"ids\":[110,195,169]}", "{\"ids\":[]}"], await File.ReadAllLinesAsync(_folder["plain.jsonl"]));
        JsonNode[] lines = [.. (await File.ReadAllLinesAsync(_folder["full.jsonl"])).Select(l => JsonNode.Parse(l)!)];
        Assert.Equal([256, 110, 195, 169], lines[0]["ids"]!.AsArray().Select(i => (int)i!));
        Assert.Equal("né", (string?)lines[0]["decoded"]);
        Assert.Equal("", (string?)lines[1]["decoded"]);
    }

    [Fact]
    public async Task What_is_missing_or_no_text_is_refused_by_name_and_leaves_no_output()
    {
        string input = _folder.Write("in.jsonl", "{\"texts\": \"a\"}\n{\"texts\": \"b\"}\n");

        AlmAnswer wrong = await Alm.RunAsync(["tokenize", "--tokenizer", "bytes", "--input", input, "--output", _folder["out.jsonl"]]);
        AlmAnswer missing = await Alm.RunAsync(["tokenize", "--tokenizer", _folder["none"], "--input", input, "--output", _folder["out.jsonl"]]);
        AlmAnswer usage = await Alm.RunAsync(["tokenize", "--input", input]);

        Assert.Equal(ExitCodes.Input, wrong.Code);
        Assert.Contains("'texts'", wrong.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Input, missing.Code);
        Assert.Contains(_folder["none"], missing.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Definition, usage.Code);
        Assert.False(File.Exists(_folder["out.jsonl"]));
    }

    [Fact]
    public async Task A_dash_stands_for_standard_input_and_output()
    {
        AlmAnswer answer = await Alm.RunAsync(["tokenize", "--tokenizer", "bytes", "--input", "-", "-o", "-"], input: "{\"text\": \"né\"}\n{\"text\": 1}\n");
        AlmAnswer wrong = await Alm.RunAsync(["tokenize", "--tokenizer", "bytes", "--input", "-", "-o", "-"], input: "né\n");

        Assert.Equal("{\"ids\":[110,195,169]}", answer.Output.Split('\n')[0]);
        Assert.Contains("\"error\"", answer.Output.Split('\n')[1], StringComparison.Ordinal);
        Assert.Equal((ExitCodes.Input, ""), (wrong.Code, wrong.Output));
        Assert.StartsWith("standard input: none of its 1 lines can be used", wrong.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama3")]
    [InlineData("qwen2_5")]
    [InlineData("mistral_v03")]
    [InlineData("bytelevel")]
    public async Task Ids_and_decoded_text_equal_the_reference(string name)
    {
        if (SharedFolder.Below(Path.Combine("tokenizers", name), output) is not { } tokenizer)
            return;
        string input = Path.Combine(tokenizer, "ids.jsonl");
        JsonNode[] expected = [.. (await File.ReadAllLinesAsync(input)).Select(l => JsonNode.Parse(l)!)];
        foreach (bool specials in new[] { false, true })
        {
            string[] arguments = ["tokenize", "--tokenizer", tokenizer, "--input", input, "--output", _folder["out.jsonl"], "--decode"];
            Assert.Equal(0, (await Alm.RunAsync(specials ? [.. arguments, "--add-special-tokens"] : arguments)).Code);
            JsonNode[] found = [.. (await File.ReadAllLinesAsync(_folder["out.jsonl"])).Select(l => JsonNode.Parse(l)!)];
            Assert.Equal(expected.Length, found.Length);
            for (int i = 0; i < found.Length; i++)
            {
                Assert.Equal(expected[i][specials ? "idsWithSpecials" : "ids"]!.ToJsonString(), found[i]["ids"]!.ToJsonString());
                if (expected[i]["decoded"] is { } decoded)
                    Assert.Equal((string?)decoded, (string?)found[i]["decoded"]);
            }
        }
    }
}
