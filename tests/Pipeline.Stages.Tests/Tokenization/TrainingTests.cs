using System.Text;
using System.Text.Json;
using CsCheck;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Reading;
using Pipeline.Stages.Tokenization.Tokens;
using Pipeline.Stages.Tokenization.Training;
using Pipeline.Stages.Tokenization.Writing;

namespace Pipeline.Stages.Tests.Tokenization;

public sealed class TrainingTests
{
    [Fact]
    public void The_merges_are_those_of_Hugging_Faces_trainer_ties_included()
    {
        using JsonDocument golden = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Tokenization", "Goldens", "training", "merges.json")));
        string corpus = golden.RootElement.GetProperty("corpus").GetString()!;
        string[] expected = [.. golden.RootElement.GetProperty("merges").EnumerateArray().Select(m => $"{m[0]} {m[1]}")];
        var counter = new WordCounter(Untrained(PreTokenizerReader.ByteLevelRegex).Definition);
        foreach (string line in corpus.Split('\n')[..^1])
            counter.Add(line + "\n");
        Vocabulary trained = BpeTrainer.Train(counter.Counts, 30_000, 1, null, default);
        string[] ours = [.. trained.Merges.Select(m => $"{trained.Tokens[m.Left]} {trained.Tokens[m.Right]}")];
        Assert.True(expected.Length > 300);
        Assert.Equal(expected, ours);
    }

    [Fact]
    public void Counting_pairs_as_they_change_gives_what_counting_them_anew_gives()
    {
        Gen<Dictionary<string, long>> words = Gen.Select(Gen.String[Gen.Char["abc é"], 1, 12], Gen.Long[1, 5]).Array[1, 12]
            .Select(pairs => pairs.GroupBy(p => p.Item1).ToDictionary(g => g.Key, g => g.Sum(p => p.Item2)));
        words.Sample(w =>
        {
            Vocabulary fast = BpeTrainer.Train(w, 300, 1, null, default);
            Assert.Equal(SlowMerges(w, 300 - 256), fast.Merges.Select(m => (fast.Tokens[m.Left], fast.Tokens[m.Right])));
        }, iter: 400);
    }

    [Fact]
    public void A_pair_below_the_least_frequency_is_not_merged()
    {
        var words = new Dictionary<string, long> { ["ab"] = 3, ["cd"] = 2 };
        Vocabulary trained = BpeTrainer.Train(words, 1000, 3, null, default);
        Assert.Equal("ab", Assert.Single(trained.Tokens.Skip(256)));
    }

    [Fact]
    public void A_trained_tokenizer_gives_back_any_text_and_crosses_no_word()
    {
        var counter = new WordCounter(Untrained(WordPatterns.Regex(WordPattern.Llama3)).Definition);
        counter.Add("one two one two three 12345 12345 one two");
        Vocabulary trained = BpeTrainer.Train(counter.Counts, 280, 1, null, default);
        byte[] json = ByteTokenizerWriter.Write(trained, ["<s>"], "<s>", WordPatterns.Regex(WordPattern.Llama3), nfc: false);
        var tokenizer = TextTokenizer.FromJson("trained", json, []);
        var ids = new List<int>();
        tokenizer.CreateEncoder().Encode("one two é 12345", addSpecialTokens: true, ids);
        Assert.Equal(tokenizer.BosId, ids[0]);
        Assert.Equal("one two é 12345", tokenizer.Decode([.. ids], skipSpecialTokens: true));
        Assert.DoesNotContain(trained.Tokens, t => t.Length > 1 && t.Contains('Ġ', StringComparison.Ordinal) && !t.StartsWith('Ġ'));
    }

    /// <summary>Counts every pair of every word before each merge.</summary>
    private static List<(string, string)> SlowMerges(Dictionary<string, long> counts, int most)
    {
        List<(List<string> Symbols, long Count)> words = [.. counts.Select(w =>
            (Encoding.UTF8.GetBytes(w.Key).Select(b => ByteAlphabet.Character(b).ToString()).ToList(), w.Value))];
        List<string> ids = [.. Enumerable.Range(0, 256).Select(b => ByteAlphabet.Character((byte)b).ToString()).Order(StringComparer.Ordinal)];
        var merges = new List<(string, string)>();
        int made = 0;
        while (made < most)
        {
            var pairs = new Dictionary<(string, string), long>();
            foreach ((List<string> symbols, long count) in words)
            {
                for (int i = 1; i < symbols.Count; i++)
                    pairs[(symbols[i - 1], symbols[i])] = pairs.GetValueOrDefault((symbols[i - 1], symbols[i])) + count;
            }
            if (pairs.Count == 0)
                break;
            (string left, string right) = pairs.OrderByDescending(p => p.Value)
                .ThenBy(p => ids.IndexOf(p.Key.Item1)).ThenBy(p => ids.IndexOf(p.Key.Item2)).First().Key;
            merges.Add((left, right));
            if (!ids.Contains(left + right))
            {
                ids.Add(left + right);
                made++;
            }
            foreach ((List<string> symbols, _) in words)
            {
                for (int i = 0; i + 1 < symbols.Count; i++)
                {
                    if (symbols[i] != left || symbols[i + 1] != right)
                        continue;
                    symbols[i] = left + right;
                    symbols.RemoveAt(i + 1);
                }
            }
        }
        return merges;
    }

    private static TextTokenizer Untrained(string regex)
    {
        var bytes = new Vocabulary([.. Enumerable.Range(0, 256).Select(b => ByteAlphabet.Character((byte)b).ToString())], []);
        return TextTokenizer.FromJson("untrained", ByteTokenizerWriter.Write(bytes, [], null, regex, nfc: false), []);
    }
}
