using System.Text;
using System.Text.Json.Nodes;
using Pipeline.FaultTests.Formats;
using Pipeline.Stages.Tests.Alignment;
using Pipeline.Stages.Tokenization;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>A tokenizer.json, its patterns and its companions; what loads encodes and decodes texts that patterns stumble over.</summary>
internal sealed class TokenizerTarget : FuzzTarget
{
    private static readonly string[] Words =
    [
        "BPE", "Unigram", "Sequence", "Split", "ByteLevel", "Metaspace", "Digits", "Punctuation", "Whitespace", "WhitespaceSplit", "NFC", "NFKC", "NFD", "Lowercase", "Strip", "Replace", "Prepend",
        "Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous", "always", "first", "never", "TemplateProcessing", "ByteFallback", "Fuse", "<s>", "a", "b", "ab", " ", "▁", "Ġ",
        @"\p{L}+|\p{N}{1,3}", @"(a|a)*b", @"(?:a+)+$", @"(?<!a)b+", @"(?=(a*)*b)a", @"[^\s\p{L}]+(?!\S)", @"(?i:'s|'t)", @"((((a{1,9}){1,9}){1,9}){1,9})", @"(?<=a{1,100})b", @"\b", @"(?:)*", "a{1000}", "^$", "(a*?)+?c", "[a-z&&[^aeiou]]",
    ];

    private static readonly string[] Texts =
        ["", "ab <s> é 12345", new('a', 3000), string.Concat(Enumerable.Repeat("ab ", 700)), "naïve 東京\ud800 \n\n\t  x'S 'T ａｂ ﬁ İ", new string('a', 400) + "!", string.Concat(Enumerable.Repeat("<s>", 100))];

    private readonly List<byte[]> _whole = [];
    private readonly List<Dictionary<string, byte[]>> _companions = [];

    public TokenizerTarget()
    {
        Add(ToyTokenizer.ByteLevel(Folder["bytes"], 40, "<s>", "</s>", ["<s>", "</s>"]));
        Add(ToyTokenizer.SentencePiece(Folder["pieces"], 40, "<s>", "</s>", ["<s>", "</s>"]));
        JsonObject rich = JsonNode.Parse(_whole[0])!.AsObject();
        rich["normalizer"] = JsonNode.Parse("""
            {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": "x+"}, "content": "b"}, {"type": "Lowercase"}, {"type": "Strip", "strip_left": true, "strip_right": false}, {"type": "Prepend", "prepend": "a"}]}
            """);
        rich["pre_tokenizer"] = JsonNode.Parse("""
            {"type": "Sequence", "pretokenizers": [
              {"type": "Split", "pattern": {"Regex": "(?i:'s|'t|'re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated", "invert": false},
              {"type": "Digits", "individual_digits": true}, {"type": "Punctuation", "behavior": "Isolated"},
              {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]}
            """);
        rich["post_processor"] = JsonNode.Parse("""
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
             "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}}
            """);
        _whole.Add(Encoding.UTF8.GetBytes(rich.ToJsonString()));
        _companions.Add(_companions[0]);
    }

    public override string Name => "tokenizer";

    // 7394: a replacement of every character by 5,000. 367197: a pattern whose automaton took 650 MB of garbage to be given up.
    public override IReadOnlyList<int> KeptSeeds => [7394, 367197];

    public override int FastTries => 1500;

    public override void Read(int seed)
    {
        var random = new Random(seed);
        int chosen = random.Next(_whole.Count);
        byte[] json = _whole[chosen];
        Dictionary<string, byte[]> companions = _companions[chosen];
        switch (random.Next(8))
        {
            case 0:
                json = new ShardMutator([], random).Bytes(json);
                break;
            case 1:
                companions = companions.ToDictionary(c => c.Key, c => JsonMutator.Plain(c.Value, random, Words));
                break;
            default:
                json = JsonMutator.Plain(json, random, Words);
                break;
        }
        TextTokenizer tokenizer = TextTokenizer.FromJson("stranger.json", json, companions);
        TextEncoder encoder = tokenizer.CreateEncoder();
        foreach (string text in Texts)
        {
            List<int> ids = [];
            encoder.Encode(text, addSpecialTokens: true, ids);
            tokenizer.Decode(ids.ToArray(), skipSpecialTokens: false);
        }
        try
        {
            encoder.EncodeDocument("ab <s> é 12345, ab ab", addBos: true, addEos: true);
        }
        catch (ByteViewException)
        {
            // The document is rejected and counted.
        }
    }

    private void Add(string folder)
    {
        _whole.Add(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")));
        _companions.Add(new Dictionary<string, byte[]> { ["tokenizer_config.json"] = File.ReadAllBytes(Path.Combine(folder, "tokenizer_config.json")) });
    }
}
