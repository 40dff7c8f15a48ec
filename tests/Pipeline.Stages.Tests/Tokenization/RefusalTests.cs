using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Tests.Tokenization;

/// <summary>Whatever a tokenizer.json says is implemented or refused. A refusal names the file, the place, what is there and what is supported.</summary>
public sealed class RefusalTests
{
    [Theory]
    [InlineData("model.type", "\"WordPiece\"", "$.model.type", "'WordPiece'")]
    [InlineData("model.dropout", "0.1", "$.model.dropout", "0.1")]
    [InlineData("model.unk_token", "\"<unk>\"", "$.model.unk_token", "'<unk>'")]
    [InlineData("model.merges", "[\"a b c\"]", "$.model.merges[0]", "a b c")]
    [InlineData("model.merges", "[[\"a\", \"zz\"]]", "$.model.merges", "'azz'")]
    [InlineData("model.vocab", "{\"a\": -1}", "$.model.vocab", "-1")]
    [InlineData("model.vocab", "{\"a\": 16777216}", "$.model.vocab", "16777216")]
    [InlineData("model.vocab", "{\"a\": 9999999}", "$.model.vocab", "9999999")]
    [InlineData("model.vocab", "[[\"a\", 0]]", "$.model.vocab", "[[")]
    [InlineData("truncation", "{\"max_length\": 8}", "$.truncation", "max_length")]
    [InlineData("padding", "{\"strategy\": {\"Fixed\": 8}, \"pad_to_multiple_of\": null}", "$.padding", "Fixed")]
    [InlineData("version", "\"2.0\"", "$.version", "2.0")]
    [InlineData("something_new", "1", "$.something_new", "not known")]
    [InlineData("normalizer", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"\"}", "$.normalizer.precompiled_charsmap", "0 bytes long")]
    [InlineData("normalizer", "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Nmt\"}]}", "$.normalizer.normalizers[0].type", "'Nmt'")]
    [InlineData("pre_tokenizer", "{\"type\": \"UnicodeScripts\"}", "$.pre_tokenizer.type", "'UnicodeScripts'")]
    [InlineData("pre_tokenizer", "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(a)\\\\1\"}, \"behavior\": \"Isolated\", \"invert\": false}", "$.pre_tokenizer.pattern.Regex", "escape \\1")]
    [InlineData("pre_tokenizer", "{\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"Doubled\", \"invert\": false}", "$.pre_tokenizer.behavior", "Doubled")]
    [InlineData("pre_tokenizer", "{\"type\": \"Metaspace\", \"replacement\": \"__\"}", "$.pre_tokenizer.replacement", "'__'")]
    [InlineData("pre_tokenizer", "{\"type\": \"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"last\"}", "$.pre_tokenizer.prepend_scheme", "last")]
    [InlineData("pre_tokenizer", "{\"type\": \"Digits\"}", "$.pre_tokenizer.individual_digits", "absent")]
    [InlineData("post_processor", "{\"type\": \"Odd\"}", "$.post_processor.type", "'Odd'")]
    [InlineData("post_processor", "{\"type\": \"TemplateProcessing\", \"single\": [], \"special_tokens\": {}}", "$.post_processor.single", "sequence A")]
    [InlineData("post_processor", "{\"type\": \"BertProcessing\", \"sep\": [\"a\", 77], \"cls\": [\"a\", 0]}", "$.post_processor", "no token has")]
    [InlineData("decoder", "{\"type\": \"CTC\"}", "$.decoder.type", "'CTC'")]
    [InlineData("added_tokens", "[{\"id\": 2, \"content\": 5}]", "$.added_tokens[0].content", "5")]
    public void It_is_named(string member, string value, string place, string found)
    {
        string message = Refused(member, value);
        Assert.Contains("tokenizer bad.json", message, StringComparison.Ordinal);
        Assert.Contains(place, message, StringComparison.Ordinal);
        Assert.Contains(found, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"model\": {\"type\": \"BPE\"}}")]
    [InlineData("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"\\ud800\": 0}, \"merges\": []}}")]
    public void What_is_no_tokenizer_is_refused(string json)
        => Assert.Throws<InputException>(() => TextTokenizer.FromJson("bad.json", Encoding.UTF8.GetBytes(json), []));

    [Fact]
    public void Steps_nested_without_end_are_refused()
    {
        string deep = string.Concat(Enumerable.Repeat("{\"type\": \"Sequence\", \"normalizers\": [", 20_000))
            + string.Concat(Enumerable.Repeat("]}", 20_000));
        string json = "{\"normalizer\": " + deep + ", \"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}}";
        Assert.Throws<InputException>(() => TextTokenizer.FromJson("bad.json", Encoding.UTF8.GetBytes(json), []));
    }

    [Fact]
    public void A_file_cut_short_anywhere_is_refused_and_nothing_else()
    {
        byte[] json = Encoding.UTF8.GetBytes(Small().ToJsonString());
        for (int length = 0; length < json.Length; length++)
            Assert.Throws<InputException>(() => TextTokenizer.FromJson("bad.json", json[..length], []));
    }

    [Fact]
    public void A_byte_changed_anywhere_is_refused_or_loads()
    {
        byte[] json = Encoding.UTF8.GetBytes(Small().ToJsonString());
        var random = new Random(5);
        for (int i = 0; i < 3_000; i++)
        {
            byte[] changed = [.. json];
            changed[random.Next(json.Length)] = (byte)random.Next(256);
            try
            {
                TextTokenizer.FromJson("bad.json", changed, []).CreateEncoder().Encode("ab <s> é", true, []);
            }
            catch (InputException e)
            {
                Assert.Contains("bad.json", e.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Replacements_that_make_every_short_part_of_a_text_long_are_refused_by_the_whole_text()
    {
        JsonObject tokenizer = Small();
        tokenizer["normalizer"] = JsonNode.Parse($$"""{"type": "Replace", "pattern": {"String": "a"}, "content": "{{new string('a', 5000)}}"}""");
        TextEncoder encoder = TextTokenizer.FromJson("bad.json", Encoding.UTF8.GetBytes(tokenizer.ToJsonString()), []).CreateEncoder();
        List<int> ids = [];
        // The text may become long enough for a dozen such parts, but not for 200.
        encoder.Encode(string.Concat(Enumerable.Repeat("a<s>", 12)), false, ids);
        Assert.Equal(12 * 5001, ids.Count);
        Assert.Contains("a text of 800 characters longer than 116736", Assert.Throws<InputException>(
            () => encoder.Encode(string.Concat(Enumerable.Repeat("a<s>", 200)), false, [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Replacements_that_make_a_text_grow_without_end_are_refused_when_a_text_meets_them()
    {
        JsonObject tokenizer = Small();
        string replace = $$"""{"type": "Replace", "pattern": {"String": "a"}, "content": "{{new string('a', 5000)}}"}""";
        tokenizer["normalizer"] = JsonNode.Parse($$"""{"type": "Sequence", "normalizers": [{{replace}}, {{replace}}, {{replace}}]}""");
        TextEncoder encoder = TextTokenizer.FromJson("bad.json", Encoding.UTF8.GetBytes(tokenizer.ToJsonString()), []).CreateEncoder();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("normalizers", Assert.Throws<InputException>(() => encoder.Encode("aaaa", false, [])).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
    }

    [Fact]
    public void A_folder_without_a_tokenizer_says_what_to_give()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        string message = Assert.Throws<InputException>(() => TextTokenizer.Load(folder, new TestStorage())).Message;
        Assert.Contains(folder, message, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", message, StringComparison.Ordinal);
    }

    private static string Refused(string member, string value)
    {
        JsonObject tokenizer = Small();
        string[] names = member.Split('.');
        JsonObject parent = names.Length == 1 ? tokenizer : tokenizer[names[0]]!.AsObject();
        parent[names[^1]] = JsonNode.Parse(value);
        byte[] json = Encoding.UTF8.GetBytes(tokenizer.ToJsonString());
        return Assert.Throws<InputException>(() => TextTokenizer.FromJson("bad.json", json, [])).Message;
    }

    private static JsonObject Small() => JsonNode.Parse("""
        {
          "version": "1.0", "truncation": null, "padding": null,
          "added_tokens": [{"id": 3, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": true, "normalized": false, "special": true}],
          "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": "x+"}, "content": "b"}]},
          "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\\s+(?!\\S)|[^\\s]+"}, "behavior": "Isolated", "invert": false},
          "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}},
          "decoder": {"type": "Fuse"},
          "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}
        }
        """)!.AsObject();
}
