using System.Text;
using CsCheck;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Tokenization;

public sealed class ByteViewTests(ITestOutputHelper output)
{
    private static readonly string[] s_seasoning =
    [
        " ", "  ", "\n", "\r\n", "\t", "the", "The", "'s", "'S", "12345", "é", "e\u0301", "日本", "😀", "▁", "Ġ", "<s>", "</s>", "<mask>", "foo",
        "<|end|>", "\ud800", "\udc00", "\u0000", "\u00a0", "ſ", "\u0323", "\uac00\u11a8", "<0x41>", "--", "𝒜", "x", "\uFFFE", "\uFFFF", "\u0897", "\u0344",
    ];

    // Any UTF-16, lone surrogates included, mixed with texts that tokenizers treat specially.
    private static readonly Gen<string> s_anyText = Gen.OneOf(
        Gen.String[Gen.Char, 0, 30],
        Gen.Int[0, s_seasoning.Length - 1].Select(i => s_seasoning[i]).Array[0, 14].Select(string.Concat));

    public static TheoryData<string> Exact =>
    [
        "gpt2", "llama3", "qwen", "o200k", "tekken", "deepseek", "starcoder", "falcon", "neox", "bytes", "thousands", "look-behind", "word-boundary",
        "anchors", "classes", "lazy", "empty-matches", "split-next", "split-inverted-previous", "bytes-then-split", "llama2", "gemma", "mistral",
    ];

    [Theory]
    [MemberData(nameof(GoldenTests.Names), MemberType = typeof(GoldenTests))]
    public void No_text_makes_encoding_or_decoding_fail(string name)
    {
        TextTokenizer tokenizer = GoldenTests.Load(name, out _);
        TextEncoder encoder = tokenizer.CreateEncoder();
        s_anyText.Sample(text =>
        {
            var ids = new List<int>();
            encoder.Encode(text, addSpecialTokens: true, ids);
            Assert.All(ids, id => Assert.NotNull(tokenizer.TokenOf(id)));
            _ = tokenizer.Decode([.. ids], skipSpecialTokens: false);
        }, iter: 150, threads: 1);
    }

    [Theory]
    [MemberData(nameof(Exact))]
    public void The_bytes_of_the_tokens_are_the_bytes_of_the_text(string name)
    {
        TextTokenizer tokenizer = GoldenTests.Load(name, out _);
        TextEncoder encoder = tokenizer.CreateEncoder();
        s_anyText.Sample(any =>
        {
            string text = WellFormedText.Normalize(any);
            // In these tokenizers ▁ stands for a space, so that a ▁ of the text itself is lost.
            if (name is "llama2" or "gemma" or "mistral")
                text = text.Replace('▁', '_');
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            TokenSequence sequence = encoder.EncodeDocument(text, addBos: true, addEos: true);
            sequence.Validate();
            Assert.Equal(utf8.Length, sequence.Count == 0 ? 0 : sequence.ByteEnds[^1]);
            int at = 0;
            for (int i = 0; i < sequence.Count; i++)
            {
                if (sequence.Unit(i) == UnitLabels.Text)
                {
                    ReadOnlySpan<byte> view = tokenizer.ByteView(sequence.Ids[i]);
                    int dummy = view.Length - (sequence.ByteEnds[i] - at);
                    Assert.InRange(dummy, 0, 1);
                    Assert.True(dummy == 0 || view[0] == ' ');
                    Assert.True(utf8.AsSpan(at..sequence.ByteEnds[i]).SequenceEqual(view[dummy..]));
                }
                at = sequence.ByteEnds[i];
            }
            var plain = new List<int>();
            encoder.Encode(text, addSpecialTokens: false, plain);
            Assert.Equal(plain, sequence.Ids.Where((_, i) => sequence.Unit(i) == UnitLabels.Text));
        }, iter: 300, threads: 1);
    }

    [Fact]
    public void Marks_around_a_document_are_units_without_bytes()
    {
        TextTokenizer tokenizer = TextTokenizer.Bytes(["<a>", "<b>"], "<a>", "<b>", null);
        TokenSequence sequence = tokenizer.CreateEncoder().EncodeDocument("é<b>", addBos: true, addEos: true);
        Assert.Equal([256, 0xC3, 0xA9, 257, 257], sequence.Ids);
        Assert.Equal([0, 1, 2, 5, 5], sequence.ByteEnds);
        Assert.Equal([UnitLabels.Bos, UnitLabels.Text, UnitLabels.Text, UnitLabels.Text, UnitLabels.Eos], sequence.Units!);
        Assert.Null(tokenizer.CreateEncoder().EncodeDocument("é", addBos: false, addEos: false).Units);
    }

    [Fact]
    public void A_mark_the_tokenizer_lacks_is_not_added()
    {
        TextTokenizer tokenizer = GoldenTests.Load("gpt2", out _);
        Assert.Null(tokenizer.BosId);
        Assert.Equal("a".Length, tokenizer.CreateEncoder().EncodeDocument("a", addBos: true, addEos: true).Count);
    }

    /// <summary>Gemma has added tokens for runs of spaces and of line feeds, which its merges can make too. GPT-NeoX has some for runs of spaces.</summary>
    [Fact]
    public void Added_tokens_of_white_space_are_text()
    {
        byte[] json = Encoding.UTF8.GetBytes("""
            {"added_tokens": [{"id": 4, "content": "▁▁", "normalized": false, "special": false}, {"id": 5, "content": "\n\n", "normalized": false, "special": false},
              {"id": 6, "content": "   ", "normalized": true, "special": false}, {"id": 7, "content": "<x>", "normalized": false, "special": false},
              {"id": 8, "content": "\t", "normalized": false, "special": true}],
             "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
             "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"}]},
             "model": {"type": "BPE", "vocab": {"a": 0, "▁": 1, "\n": 2, "?": 3, "▁▁": 4, "\n\n": 5}, "merges": ["▁ ▁"], "unk_token": "?"}}
            """);
        TextTokenizer tokenizer = TextTokenizer.FromJson("white", json, []);
        TokenSequence sequence = tokenizer.CreateEncoder().EncodeDocument("a  a\n\na<x>", addBos: false, addEos: false);
        Assert.Equal([0, 4, 0, 5, 0, 7], sequence.Ids);
        Assert.Equal([1, 3, 4, 6, 7, 10], sequence.ByteEnds);
        Assert.Equal([false, false, false, true, true], new[] { 4, 5, 6, 7, 8 }.Select(tokenizer.IsMark));
    }

    [Fact]
    public void A_dummy_space_takes_no_byte_of_the_text()
    {
        TextTokenizer tokenizer = GoldenTests.Load("llama2", out _);
        TokenSequence sequence = tokenizer.CreateEncoder().EncodeDocument("the<s>the", addBos: false, addEos: false);
        Assert.Equal(["▁the", "<s>", "▁the"], sequence.Ids.Select(tokenizer.TokenOf));
        Assert.Equal([3, 6, 9], sequence.ByteEnds);
    }

    [Theory]
    [InlineData("lowercase", "The")]
    [InlineData("whitespace", "the dog")]
    [InlineData("llama2", "a▁b")]
    [InlineData("nfkc", "ﬁ")]
    public void A_document_whose_bytes_the_tokenizer_changes_is_refused(string name, string text)
        => Assert.Throws<ByteViewException>(() => GoldenTests.Load(name, out _).CreateEncoder().EncodeDocument(text, false, false));

    [Fact]
    public void Text_is_made_well_formed_and_composed()
    {
        Assert.Equal("a\uFFFDb\uFFFD", WellFormedText.Normalize("a\ud800b\udc00"));
        Assert.Equal("\uFFFD\uFFFD", WellFormedText.Normalize("\udc00\ud800"));
        Assert.Equal("é😀", WellFormedText.Normalize("e\u0301😀"));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama3")]
    [InlineData("qwen2_5")]
    [InlineData("mistral_v03")]
    [InlineData("bytelevel")]
    public void Real_tokenizers_take_any_text_and_give_its_bytes_back(string name)
    {
        if (SharedFolder.Below($"tokenizers/{name}", output) is not { } folder)
            return;
        TextEncoder encoder = TextTokenizer.Load(folder, new TestStorage()).CreateEncoder();
        s_anyText.Sample(any =>
        {
            encoder.Encode(any, addSpecialTokens: true, []);
            string text = WellFormedText.Normalize(any);
            if (name == "mistral_v03")
                text = text.Replace('▁', '_');
            TokenSequence sequence = encoder.EncodeDocument(text, addBos: true, addEos: false);
            sequence.Validate();
            Assert.Equal(Encoding.UTF8.GetByteCount(text), sequence.Count == 0 ? 0 : sequence.ByteEnds[^1]);
        }, iter: 500, threads: 1);
    }

    [Fact]
    public void Making_text_well_formed_twice_changes_nothing()
        => s_anyText.Sample(text =>
        {
            string once = WellFormedText.Normalize(text);
            Assert.Equal(once, WellFormedText.Normalize(once));
            Assert.Equal(once, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(once)));
        }, iter: 2_000);
}
