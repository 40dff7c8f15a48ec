using System.Text.Json;
using Pipeline.Stages.Tokenization;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Tokenization;

/// <summary>Compares real tokenizers with ids that Hugging Face's crate made.</summary>
public sealed class RealTokenizerTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("bytelevel")]
    [InlineData("gpt2")]
    [InlineData("llama3")]
    [InlineData("mistral_v03")]
    [InlineData("qwen2_5")]
    public void Ids_and_decoded_text_equal_the_reference_on_every_line(string name)
    {
        if (SharedFolder.Below($"tokenizers/{name}", output) is not { } folder)
            return;
        TextTokenizer tokenizer = TextTokenizer.Load(folder, new TestStorage());
        TextEncoder encoder = tokenizer.CreateEncoder();
        var wrong = new List<string>();
        int lines = 0;
        foreach (string line in File.ReadLines(Path.Combine(folder, "ids.jsonl")))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            string text = root.GetProperty("text").GetString()!;
            Check("ids", false);
            Check("idsWithSpecials", true);
            if (root.GetProperty("decoded").GetString() is { } decoded
                && tokenizer.Decode(Ids(root.GetProperty("ids")), skipSpecialTokens: false) is var ours && ours != decoded)
            {
                wrong.Add($"decoded of '{text}': '{ours}' for '{decoded}'");
            }
            lines++;

            void Check(string member, bool specials)
            {
                var ids = new List<int>();
                encoder.Encode(text, specials, ids);
                if (!ids.SequenceEqual(Ids(root.GetProperty(member))))
                    wrong.Add($"{member} of '{text}': {string.Join(' ', ids.Take(40))}");
            }
        }
        Assert.True(lines > 1000);
        Assert.True(wrong.Count == 0, $"{wrong.Count} wrong\n{string.Join('\n', wrong.Take(10))}");
    }

    private static int[] Ids(JsonElement ids) => [.. ids.EnumerateArray().Select(i => i.GetInt32())];
}
