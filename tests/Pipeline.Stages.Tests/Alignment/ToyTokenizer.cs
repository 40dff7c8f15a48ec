using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Tests.Alignment;

/// <summary>
/// Small tokenizers of both kinds with merges learned from a text, written as Hugging Face folders, so that tests have real tokenizers
/// without files that are not ours.
/// </summary>
internal static class ToyTokenizer
{
    private const string Corpus =
        "Anna has 12 apples and buys 30 more. How many apples does she have now? She has 12 + 30 = 42 apples. "
        + "The train leaves at 9:45 and arrives at 11:20, so it needs 95 minutes. What is three plus four? It is seven. "
        + "naïve café, 東京, \"quoted\" (in brackets), don't; the end.\n\nThe answer is 42.\n";

    private static readonly ConcurrentDictionary<(string Kind, int Merges), (List<string> Vocabulary, List<(string, string)> Merges)> Learned = new();

    /// <summary>Byte-level BPE, as GPT-2, Llama-3 and Qwen are.</summary>
    public static string ByteLevel(string folder, int merges, string? bos, string? eos, IReadOnlyList<string> special, string? template = null)
    {
        (List<string> vocabulary, List<(string, string)> learned) = Learned.GetOrAdd(("bytes", merges), key =>
        {
            string[] letters = ByteLetters();
            List<string[]> words = [.. Words().Select(w => Encoding.UTF8.GetBytes(w).Select(b => letters[b]).ToArray())];
            List<string> known = [.. letters];
            return (known, Learn(words, key.Merges, known));
        });
        JsonObject model = Model(vocabulary, learned, byteFallback: false);
        JsonObject byteLevel = new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true };
        return Write(folder, model, vocabulary.Count, null, byteLevel, byteLevel.DeepClone(), bos, eos, special, template);
    }

    /// <summary>BPE over characters with a dummy space in front and byte fallback, as Llama-2 and Mistral are.</summary>
    public static string SentencePiece(string folder, int merges, string? bos, string? eos, IReadOnlyList<string> special, string? template = null)
    {
        (List<string> vocabulary, List<(string, string)> learned) = Learned.GetOrAdd(("characters", merges), key =>
        {
            List<string[]> words = [.. Words().Select(w => w.Replace(' ', '▁').EnumerateRunes().Select(r => r.ToString()).ToArray())];
            List<string> known = ["<unk>", .. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"), .. words.SelectMany(w => w).Where(c => c[0] < 128 || c == "▁").Distinct().Order(StringComparer.Ordinal)];
            return (known, Learn(words, key.Merges, known));
        });
        JsonObject model = Model(vocabulary, learned, byteFallback: true);
        model["unk_token"] = "<unk>";
        model["fuse_unk"] = true;
        JsonNode normalizer = JsonNode.Parse("""{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}""")!;
        JsonNode decoder = JsonNode.Parse("""{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}""")!;
        return Write(folder, model, vocabulary.Count, normalizer, null, decoder, bos, eos, special, template);
    }

    public static TextTokenizer Load(string folder) => TextTokenizer.Load(folder, new DiskStorage());

    private static IEnumerable<string> Words()
    {
        StringBuilder word = new();
        foreach (char c in Corpus)
        {
            if (c is ' ' or '\n' && word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }
            if (c != '\n')
                word.Append(c);
        }
        yield return word.ToString();
    }

    /// <summary>Joins the most frequent pair, again and again; of equals the first in ordinal order.</summary>
    private static List<(string, string)> Learn(List<string[]> words, int count, List<string> vocabulary)
    {
        List<(string, string)> merges = [];
        HashSet<string> known = [.. vocabulary];
        while (merges.Count < count)
        {
            (string First, string Second) best = words.SelectMany(w => w.Zip(w.Skip(1))).Where(p => known.Contains(p.First) && known.Contains(p.Second))
                .GroupBy(p => p).OrderByDescending(g => g.Count()).ThenBy(g => g.Key.First + " " + g.Key.Second, StringComparer.Ordinal).First().Key;
            merges.Add(best);
            if (known.Add(best.First + best.Second))
                vocabulary.Add(best.First + best.Second);
            words = [.. words.Select(w => Joined(w, best))];
        }
        return merges;
    }

    private static string[] Joined(string[] word, (string First, string Second) pair)
    {
        List<string> joined = [];
        for (int i = 0; i < word.Length; i++)
        {
            bool both = i + 1 < word.Length && word[i] == pair.First && word[i + 1] == pair.Second;
            joined.Add(both ? word[i] + word[++i] : word[i]);
        }
        return [.. joined];
    }

    private static JsonObject Model(List<string> vocabulary, List<(string, string)> merges, bool byteFallback)
    {
        JsonObject ids = [];
        for (int i = 0; i < vocabulary.Count; i++)
            ids[vocabulary[i]] = i;
        return new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = null,
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = false,
            ["byte_fallback"] = byteFallback,
            ["ignore_merges"] = false,
            ["vocab"] = ids,
            ["merges"] = new JsonArray([.. merges.Select(m => new JsonArray(m.Item1, m.Item2))]),
        };
    }

    private static string Write(
        string folder, JsonObject model, int size, JsonNode? normalizer, JsonNode? preTokenizer, JsonNode decoder, string? bos, string? eos,
        IReadOnlyList<string> special, string? template)
    {
        Directory.CreateDirectory(folder);
        JsonArray added = new([.. special.Select((token, i) => new JsonObject
        {
            ["id"] = size + i, ["content"] = token, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true,
        })]);
        JsonObject tokenizer = new()
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = normalizer,
            ["pre_tokenizer"] = preTokenizer,
            ["post_processor"] = null,
            ["decoder"] = decoder,
            ["model"] = model,
        };
        JsonObject config = new() { ["tokenizer_class"] = "PreTrainedTokenizerFast", ["bos_token"] = bos, ["eos_token"] = eos };
        if (template is not null)
            config["chat_template"] = template;
        JsonSerializerOptions relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJsonString(relaxed));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config.ToJsonString(relaxed));
        return folder;
    }

    private static string[] ByteLetters()
    {
        string[] letters = new string[256];
        int next = 256;
        for (int b = 0; b < 256; b++)
            letters[b] = ((char)(b is >= 33 and <= 126 or >= 161 and <= 172 or >= 174 ? b : next++)).ToString();
        return letters;
    }
}
