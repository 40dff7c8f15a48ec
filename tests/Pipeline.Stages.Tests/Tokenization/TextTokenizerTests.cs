using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Tokenization;

public sealed class TextTokenizerTests(ITestOutputHelper output)
{
    private readonly TestStorage _storage = new();

    [Fact]
    public void Bytes_has_the_byte_as_the_id_and_specials_behind()
    {
        TextTokenizer bytes = TextTokenizer.Bytes(["<a>", "<b>"], "<a>", "<b>", null);
        var ids = new List<int>();
        bytes.CreateEncoder().Encode("hé<b>", addSpecialTokens: true, ids);
        Assert.Equal([256, 'h', 0xC3, 0xA9, 257], ids);
        Assert.Equal((258, 256, 257, null), (bytes.VocabularySize, bytes.BosId, bytes.EosId, bytes.PadId));
        Assert.Equal("hé", bytes.Decode([.. ids], skipSpecialTokens: true));
        for (int b = 0; b < 256; b++)
            Assert.Equal([(byte)b], bytes.ByteView(b).ToArray());
    }

    [Fact]
    public void The_path_bytes_is_the_shared_byte_tokenizer()
    {
        if (SharedFolder.Below("tokenizers/bytelevel", output) is not { } folder)
            return;
        TextTokenizer shared = TextTokenizer.Load(folder, _storage);
        TextTokenizer ours = TextTokenizer.Load("bytes", _storage);
        Assert.Equal(shared.VocabularySize, ours.VocabularySize);
        Assert.Equal((shared.BosId, shared.EosId, shared.PadId), (ours.BosId, ours.EosId, ours.PadId));
        Assert.All(Enumerable.Range(0, ours.VocabularySize), id => Assert.Equal(shared.TokenOf(id), ours.TokenOf(id)));
        Assert.Equal(Ids(shared, "a <|im_end|>é"), Ids(ours, "a <|im_end|>é"));
    }

    [Fact]
    public void A_mark_that_is_no_special_token_is_refused()
        => Assert.Throws<InputException>(() => TextTokenizer.Bytes(["<a>"], "<b>", null, null));

    [Fact]
    public void Saving_copies_tokenizer_json_byte_for_byte_and_loading_gives_the_same_fingerprint()
    {
        string source = Directory.CreateTempSubdirectory().FullName;
        byte[] json = TokenizerOf("gemma");
        File.WriteAllBytes(Path.Combine(source, "tokenizer.json"), json);
        File.WriteAllText(Path.Combine(source, "tokenizer_config.json"), """{"bos_token": {"content": "<s>"}, "eos_token": "</s>", "chat_template": "x"}""");
        File.WriteAllText(Path.Combine(source, "config.json"), """{"pad_token_id": 0, "eos_token_id": [1]}""");
        TextTokenizer loaded = TextTokenizer.Load(source, _storage);
        string target = Path.Combine(source, "saved");
        loaded.Save(target, _storage);
        Assert.Equal(json, File.ReadAllBytes(Path.Combine(target, "tokenizer.json")));
        Assert.Equal(File.ReadAllText(Path.Combine(source, "tokenizer_config.json")), File.ReadAllText(Path.Combine(target, "tokenizer_config.json")));
        Assert.Equal((loaded.IdOf("<s>"), loaded.IdOf("</s>"), 0), (loaded.BosId, loaded.EosId, loaded.PadId));
        // The pad token came from the model's configuration, which is not saved with the tokenizer.
        TextTokenizer again = TextTokenizer.Load(target, _storage);
        Assert.Equal((loaded.BosId, loaded.EosId, null), (again.BosId, again.EosId, again.PadId));
        Assert.Equal(TextTokenizer.Load(source, _storage).Fingerprint, loaded.Fingerprint);
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("""{"bos_token": null}""", false)]
    public void A_tokenizer_that_says_it_has_no_mark_has_none_whatever_the_model_says(string config, bool found)
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.json"), TokenizerOf("qwen"));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config);
        File.WriteAllText(Path.Combine(folder, "config.json"), """{"bos_token_id": 1}""");
        Assert.Equal(found ? 1 : (int?)null, TextTokenizer.Load(folder, _storage).BosId);
    }

    [Fact]
    public void A_saved_byte_tokenizer_loads_as_itself()
    {
        string folder = Path.Combine(Directory.CreateTempSubdirectory().FullName, "bytes");
        TextTokenizer bytes = TextTokenizer.Bytes(["<a>", "<b>", "<p>"], "<a>", "<b>", "<p>");
        bytes.Save(folder, _storage);
        Assert.Equal(bytes.Fingerprint, TextTokenizer.Load(folder, _storage).Fingerprint);
        Assert.Equal(bytes.Fingerprint, TextTokenizer.Load(Path.Combine(folder, "tokenizer.json"), _storage).Fingerprint);
    }

    [Fact]
    public void The_store_loads_a_path_once()
    {
        var store = new TokenizerStore(_storage);
        Assert.Same(store.Get("bytes"), store.Get("bytes"));
        Assert.Throws<InputException>(() => store.Get("/nowhere"));
    }

    [Fact]
    public void It_is_a_tokenizer_of_the_package()
    {
        Microsoft.ML.Tokenizers.Tokenizer tokenizer = GoldenTests.Load("gpt2", out JsonElement cases);
        foreach (JsonElement item in cases.EnumerateArray())
        {
            string text = item.GetProperty("text").GetString()!;
            int[] ids = [.. item.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];
            Assert.Equal(ids, tokenizer.EncodeToIds(text));
            Assert.Equal(ids.Length, tokenizer.CountTokens(text));
            Assert.Equal(item.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
            Assert.Equal(ids, tokenizer.EncodeToTokens(text, out _).Select(t => t.Id));
        }
        IReadOnlyList<Microsoft.ML.Tokenizers.EncodedToken> tokens = tokenizer.EncodeToTokens("the é😀 dog", out _);
        Assert.Equal("the é😀 dog", string.Concat(tokens.Select(t => "the é😀 dog"[t.Offset])));
        Assert.Equal(2, tokenizer.EncodeToIds("the dog jumps over", 2, out _, out int consumed).Count);
        Assert.InRange(consumed, 2, 8);
    }

    [Fact]
    public void Lines_are_tokenized_to_lines_whatever_the_text_holds()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        string input = Path.Combine(folder, "in.jsonl");
        string result = Path.Combine(folder, "out.jsonl");
        File.WriteAllText(input, "{\"text\": \"h\\u00e9\", \"more\": 1}\n{\"text\": \"\\ud800x\\\"\"}\n\n{\"text\": \"\"}\n");
        TokenizeFile.Run(TextTokenizer.Load("bytes", _storage), _storage, input, result, addSpecialTokens: true, decode: true);
        Assert.Equal(
            ["{\"ids\":[256,104,195,169],\"decoded\":\"hé\"}", "{\"error\":\"text is not Unicode\"}", "{\"error\":\"line is blank\"}", "{\"ids\":[256],\"decoded\":\"\"}"],
            File.ReadAllLines(result));
        TokenizeFile.Run(TextTokenizer.Load("bytes", _storage), _storage, input, result, addSpecialTokens: false, decode: false);
        Assert.Equal("{\"ids\":[104,195,169]}", File.ReadAllLines(result)[0]);
    }

    [Theory]
    [InlineData("{\"text\": 5}")]
    [InlineData("{\"txt\": \"a\"}")]
    [InlineData("no json")]
    public void A_line_that_cannot_be_used_gives_a_line_that_says_why(string line)
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        string input = Path.Combine(folder, "in.jsonl"), result = Path.Combine(folder, "out.jsonl");
        File.WriteAllText(input, "{\"text\": \"fine\"}\n" + line + "\n");
        TokenizeFileCounts counts = TokenizeFile.Run(TextTokenizer.Load("bytes", _storage), _storage, input, result, false, false);
        Assert.Equal(new TokenizeFileCounts(1, 1), counts);
        Assert.Contains("\"error\"", File.ReadAllLines(result)[1], StringComparison.Ordinal);
    }

    private static byte[] TokenizerOf(string golden)
    {
        string file = GoldenTests.Files().Single(f => Path.GetFileNameWithoutExtension(f) == golden);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
        return Encoding.UTF8.GetBytes(document.RootElement.GetProperty("tokenizer").GetRawText());
    }

    private static List<int> Ids(TextTokenizer tokenizer, string text)
    {
        var ids = new List<int>();
        tokenizer.CreateEncoder().Encode(text, addSpecialTokens: false, ids);
        return ids;
    }
}
