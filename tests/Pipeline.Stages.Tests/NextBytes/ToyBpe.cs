using System.Text;
using System.Text.Json;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>A small random BPE tokenizer over a few letters, with a random language model: every sequence of tokens has its own distribution.</summary>
internal sealed class ToyBpe
{
    private readonly int _seed;

    public ToyBpe(int seed, int letters = 3, int mostMerges = 8)
    {
        _seed = seed;
        var random = new Random(seed);
        List<string> tokens = [.. Enumerable.Range(0, letters).Select(i => ((char)('a' + i)).ToString())];
        var merges = new List<string[]>();
        for (int i = random.Next(mostMerges + 1); i > 0; i--)
        {
            (string left, string right) = (tokens[random.Next(tokens.Count)], tokens[random.Next(tokens.Count)]);
            if ((left + right).Length > 5 || tokens.Contains(left + right))
                continue;
            merges.Add([left, right]);
            tokens.Add(left + right);
        }
        (Letters, Begin, End) = (letters, tokens.Count, tokens.Count + 1);
        object Added(int id, string content) => new { id, content, special = true, single_word = false, lstrip = false, rstrip = false, normalized = false };
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(new
        {
            version = "1.0",
            added_tokens = new[] { Added(Begin, "<s>"), Added(End, "</s>") },
            pre_tokenizer = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = false },
            decoder = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = false },
            model = new { type = "BPE", vocab = tokens.Select((t, i) => (t, i)).ToDictionary(x => x.t, x => x.i), merges },
        });
        Tokenizer = TextTokenizer.FromJson("toy.json", json, []);
        Vocabulary = new ByteVocabulary(Tokenizer, new HashSet<int> { End }, Tokenizer.VocabularySize);
    }

    public int Letters { get; }

    public int Begin { get; }

    public int End { get; }

    public TextTokenizer Tokenizer { get; }

    public ByteVocabulary Vocabulary { get; }

    public string Text(Random random, int most) => string.Concat(Enumerable.Range(0, random.Next(most + 1)).Select(_ => (char)('a' + random.Next(Letters))));

    public int[] Encode(string text)
    {
        var ids = new List<int>();
        Tokenizer.CreateEncoder().Encode(text, addSpecialTokens: false, ids);
        return [.. ids];
    }

    public string Spell(IEnumerable<int> ids) => string.Concat(ids.Select(id => Encoding.UTF8.GetString(Tokenizer.ByteView(id))));

    /// <summary>The log-probability of every id after a sequence of tokens. It is a function of the seed and the sequence.</summary>
    public double[] Model(IEnumerable<int> path)
    {
        ulong state = path.Aggregate((ulong)_seed * 0x9E3779B97F4A7C15 + 1, (s, id) => (s ^ (ulong)(id + 1)) * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB);
        var random = new Random((int)(state >> 33));
        double[] logits = [.. Enumerable.Range(0, Tokenizer.VocabularySize).Select(_ => 3 * random.NextDouble())];
        double sum = Math.Log(logits.Sum(Math.Exp));
        return [.. logits.Select(l => l - sum)];
    }
}
