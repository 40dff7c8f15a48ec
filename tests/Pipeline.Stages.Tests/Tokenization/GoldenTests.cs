using System.Text.Json;
using Pipeline.Stages.Tokenization;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Tokenization;

/// <summary>Compares small tokenizers of every kind with what Hugging Face's crate made of them. Goldens/README.md says how.</summary>
public sealed class GoldenTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => [.. Files().Select(f => Path.GetFileNameWithoutExtension(f)!)];

    internal static IEnumerable<string> Files()
        => Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Tokenization", "Goldens"), "*.json").Order(StringComparer.Ordinal);

    internal static TextTokenizer Load(string name, out JsonElement cases)
    {
        string file = Path.Combine(AppContext.BaseDirectory, "Tokenization", "Goldens", name + ".json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
        cases = document.RootElement.GetProperty("cases").Clone();
        return TextTokenizer.FromJson(name, JsonSerializer.SerializeToUtf8Bytes(document.RootElement.GetProperty("tokenizer")), []);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Ids_and_decoded_text_equal_the_crate_on_every_text(string name)
    {
        TextTokenizer tokenizer = Load(name, out JsonElement cases);
        TextEncoder encoder = tokenizer.CreateEncoder();
        var wrong = new List<string>();
        foreach (JsonElement item in cases.EnumerateArray())
        {
            string text = item.GetProperty("text").GetString()!;
            int[] ids = Ids(item, "ids");
            CheckIds(text, "ids", ids, false);
            CheckIds(text, "idsWithSpecials", Ids(item, "idsWithSpecials"), true);
            CheckDecoded(item, "decoded", ids, false);
            CheckDecoded(item, "decodedWithoutSpecials", ids, true);
        }
        foreach (string line in wrong.Take(6))
            output.WriteLine(line);
        Assert.True(wrong.Count == 0, $"{wrong.Count} wrong, for example\n{string.Join('\n', wrong.Take(6))}");

        void CheckIds(string text, string member, int[] expected, bool specials)
        {
            var ids = new List<int>();
            encoder.Encode(text, specials, ids);
            if (!ids.SequenceEqual(expected))
                wrong.Add($"{member} of {JsonSerializer.Serialize(text)}:\n  {Show(tokenizer, [.. ids])}\n  {Show(tokenizer, expected)} expected");
        }

        void CheckDecoded(JsonElement item, string member, int[] ids, bool skip)
        {
            string? expected = item.GetProperty(member).GetString();
            string ours = tokenizer.Decode(ids, skip);
            if (expected is not null && ours != expected)
                wrong.Add($"{member}: {JsonSerializer.Serialize(ours)} for {JsonSerializer.Serialize(expected)}");
        }
    }

    private static string Show(TextTokenizer tokenizer, int[] ids) => string.Join(' ', ids.Select(i => $"{i}:{tokenizer.TokenOf(i)}"));

    private static int[] Ids(JsonElement item, string member) => [.. item.GetProperty(member).EnumerateArray().Select(i => i.GetInt32())];
}
