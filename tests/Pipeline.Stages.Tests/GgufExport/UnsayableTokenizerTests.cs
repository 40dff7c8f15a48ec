using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Tests.Alignment;
using Pipeline.Stages.Tests.Shards;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Tests.GgufExport;

/// <summary>How tokenizers cut text and llama.cpp does not: each way is refused by name, or said where it is so for some texts alone.</summary>
public sealed class UnsayableTokenizerTests : IDisposable
{
    private const string Nfc = """{"type": "NFC"}""", Metaspace = """{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "SCHEME", "split": false}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Changes of a byte-level tokenizer, or (▁) of one of characters with bytes to fall back on.</summary>
    private static readonly Dictionary<string, Action<JsonObject>> s_changes = new()
    {
        ["nothing"] = _ => { },
        ["▁ nothing"] = _ => { },
        ["unigram"] = json => json["model"] = JsonNode.Parse("""{"type": "Unigram", "unk_id": 0, "byte_fallback": false, "vocab": [["<unk>", 0.0], ["a", -1.0]]}"""),
        ["a pattern of its own"] = json => json["pre_tokenizer"] = Pattern(@"[a-c]+|\s+"),
        ["another cut"] = json => json["pre_tokenizer"] = JsonNode.Parse("""{"type": "Sequence", "pretokenizers": [{"type": "Punctuation", "behavior": "Isolated"}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}"""),
        ["a space in front"] = json => json["pre_tokenizer"]!["add_prefix_space"] = true,
        ["whole words first"] = json => json["model"]!["ignore_merges"] = true,
        ["NFKC"] = json => json["normalizer"] = JsonNode.Parse("""{"type": "NFKC"}"""),
        ["lower case"] = json => json["normalizer"] = JsonNode.Parse("""{"type": "Lowercase"}"""),
        ["NFC"] = json => json["normalizer"] = JsonNode.Parse(Nfc),
        ["lstrip"] = json => json["added_tokens"]![0]!["lstrip"] = true,
        ["rstrip"] = json => json["added_tokens"]![0]!["rstrip"] = true,
        ["single_word"] = json => json["added_tokens"]![0]!["single_word"] = true,
        ["two marks in front"] = json => json["post_processor"] = JsonNode.Parse("""
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [ID], "tokens": ["<s>"]}}}
            """.Replace("ID", json["added_tokens"]![0]!["id"]!.ToJsonString(), StringComparison.Ordinal)),
        ["a name that fills up"] = json => json["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id": ID, "content": "[PADMORE]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}"""
            .Replace("ID", $"{Next(json)}", StringComparison.Ordinal).Replace("MORE", $"{Next(json) + 1}", StringComparison.Ordinal))),
        ["▁ no bytes"] = json => json["model"]!["byte_fallback"] = false,
        ["▁ spaces untouched"] = json => json["normalizer"] = null,
        ["▁ a merge less"] = json => json["model"]!["merges"]!.AsArray().RemoveAt(json["model"]!["merges"]!.AsArray().Count - 1),
        ["▁ sparing"] = json => UseMetaspace(json, "always"),
        ["▁ first only"] = json => UseMetaspace(json, "first"),
    };

    [Theory]
    [InlineData("unigram", "it is not BPE, or BPE that marks the parts of words (and for Unigram, llama.cpp computes something else)")]
    [InlineData("a pattern of its own", @"llama.cpp has no pre-tokenizer for the pattern(s) [a-c]+|\s+")]
    [InlineData("another cut", "llama.cpp has no pre-tokenizer like {\"type\":\"Sequence\"")]
    [InlineData("a space in front", "llama.cpp has no pre-tokenizer like {")]
    [InlineData("whole words first", "llama.cpp's pre-tokenizers for its pattern work only with ignore_merges false")]
    [InlineData("NFKC", "its normalizer is {\"type\":\"NFKC\"}, but llama.cpp has none")]
    [InlineData("lower case", "its normalizer is {\"type\":\"Lowercase\"}, but llama.cpp has none")]
    [InlineData("a name that fills up", "two of its tokens are '[PAD")]
    [InlineData("▁ no bytes", "it is not byte-level and has no tokens for bytes")]
    [InlineData("▁ spaces untouched", "its normalizer and pre-tokenizer do something other than write ▁ for spaces: none, none")]
    [InlineData("▁ a merge less", "but are not one of its merges; llama.cpp merges by scores of tokens and would merge them")]
    public void What_no_file_can_say_is_refused_by_name(string change, string expected)
    {
        string message = Assert.Throws<InputException>(() => Remarks(change)).Message;
        Assert.StartsWith("GGUF cannot express this tokenizer: ", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NFC", "llama.cpp does not apply its normalizer NFC: text that is not NFC gets other ids there")]
    [InlineData("lstrip", "1 added tokens absorb white space around them or match only whole words (lstrip, rstrip, single_word)")]
    [InlineData("rstrip", "1 added tokens absorb white space around them")]
    [InlineData("single_word", "1 added tokens absorb white space around them")]
    [InlineData("two marks in front", "its template puts other tokens around a text than one bos and one eos")]
    [InlineData("▁ sparing", "its tokenizer writes no ▁ before a text that begins with a space; llama.cpp always does")]
    [InlineData("▁ first only", "its tokenizer writes no ▁ before a text that begins with a space, nor after special tokens; llama.cpp always does")]
    public void What_is_so_for_some_texts_is_said(string change, string expected)
        => Assert.Contains(expected, Assert.Single(Remarks(change)), StringComparison.Ordinal);

    [Theory]
    [InlineData("nothing")]
    [InlineData("▁ nothing")]
    public void What_a_file_can_say_is_said_without_a_remark(string change) => Assert.Empty(Remarks(change));

    [Fact]
    public void More_tokens_than_the_model_has_rows_are_refused()
        => Assert.Contains("tokens, but the model has 10 rows", Assert.Throws<InputException>(() => Remarks("nothing", rows: 10)).Message, StringComparison.Ordinal);

    private List<string> Remarks(string change, int? rows = null)
    {
        string folder = change[0] == '▁'
            ? ToyTokenizer.SentencePiece(_folder["toy"], 12, "<s>", null, ["<s>", "</s>"])
            : ToyTokenizer.ByteLevel(_folder["toy"], 12, "<s>", null, ["<s>", "</s>"]);
        string path = Path.Combine(folder, "tokenizer.json");
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        s_changes[change](json);
        File.WriteAllText(path, json.ToJsonString());
        TextTokenizer tokenizer = ToyTokenizer.Load(folder);
        List<string> remarks = [];
        // One more row than there are tokens, as models have.
        new TokenizerMetadata(tokenizer, rows ?? tokenizer.VocabularySize + 1, remarks).Write(new GgufWriter(), null);
        return remarks;
    }

    private static int Next(JsonObject json) => json["added_tokens"]!.AsArray().Max(t => t!["id"]!.GetValue<int>()) + 1;

    private static JsonObject Pattern(string regex) => new JsonObject
    {
        ["type"] = "Sequence",
        ["pretokenizers"] = new JsonArray(
            new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = regex }, ["behavior"] = "Isolated", ["invert"] = false },
            new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false }),
    };

    private static void UseMetaspace(JsonObject json, string scheme)
        => (json["normalizer"], json["pre_tokenizer"]) = (null, JsonNode.Parse(Metaspace.Replace("SCHEME", scheme, StringComparison.Ordinal)));
}
