using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tests.Alignment;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Tests.Tokenization;

/// <summary>
/// Tokens that only the files beside tokenizer.json declare. The expected ids follow the rule: they count on from the vocabulary, in the order of the files.
/// </summary>
public sealed class DeclaredTokenTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("alm-declared-").FullName;
    private readonly int _size;

    public DeclaredTokenTests()
    {
        ToyTokenizer.ByteLevel(_folder, 20, null, null, ["<old>"]);
        _size = ToyTokenizer.Load(_folder).VocabularySize;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_decoder_s_tokens_are_added_in_the_order_of_their_ids_then_marks_then_the_additional_ones()
    {
        Write("tokenizer_config.json", $$"""
            {"added_tokens_decoder": {"{{_size + 1}}": {"content": "<b>", "special": true}, "{{_size}}": {"content": "<a>", "special": false, "normalized": true, "lstrip": true} },
             "additional_special_tokens": ["<a>", "<c>", {"content": "<d>", "rstrip": true}], "extra_special_tokens": {"picture_token": "<p>"}, "mask_token": "<m>"}
            """);
        // As in transformers, this file is not read if there is a decoder.
        Write("added_tokens.json", """{"<never>": 9999}""");
        TextTokenizer tokenizer = ToyTokenizer.Load(_folder);
        Assert.Equal([_size, _size + 1, _size + 2, _size + 3, _size + 4, _size + 5], ((string[])["<a>", "<b>", "<m>", "<c>", "<d>", "<p>"]).Select(t => tokenizer.IdOf(t)!.Value));
        Assert.Null(tokenizer.IdOf("<never>"));
        Assert.True(tokenizer.IsSpecial(_size));
        Assert.Equal([.. Ids(tokenizer, "x"), _size, _size + 4, .. Ids(tokenizer, "y")], Ids(tokenizer, "x  <a><d>  y"));
    }

    [Fact]
    public void Without_a_decoder_the_older_files_count()
    {
        Write("added_tokens.json", $$"""{"<b>": {{_size + 1}}, "<a>": {{_size}} }""");
        Write("special_tokens_map.json", """{"additional_special_tokens": ["<b>", "<c>"], "eos_token": "<a>"}""");
        Write("tokenizer_config.json", """{"eos_token": "<old>"}""");
        TextTokenizer tokenizer = ToyTokenizer.Load(_folder);
        Assert.Equal([_size, _size + 1, _size + 2], ((string[])["<a>", "<b>", "<c>"]).Select(t => tokenizer.IdOf(t)!.Value));
        Assert.Equal(_size, tokenizer.EosId);
        Assert.Equal([_size - 1, _size, _size + 1, _size + 2], tokenizer.SpecialIds);
    }

    [Fact]
    public void A_mark_of_the_vocabulary_is_cut_out_of_the_text()
    {
        Write("tokenizer_config.json", """{"eos_token": "q"}""");
        TextTokenizer tokenizer = ToyTokenizer.Load(_folder);
        int? own = tokenizer.IdOf("q");
        Assert.NotNull(own);
        Assert.Equal((own, true), (tokenizer.EosId, tokenizer.IsSpecial(own!.Value)));
    }

    [Fact]
    public void What_was_saved_loads_as_itself_without_the_files_it_came_from()
    {
        Write("added_tokens.json", $$"""{"<a>": {{_size}} }""");
        TextTokenizer tokenizer = ToyTokenizer.Load(_folder);
        string saved = Path.Combine(_folder, "saved");
        tokenizer.Save(saved, new DiskStorage());
        TextTokenizer again = ToyTokenizer.Load(saved);
        Assert.Equal((tokenizer.Fingerprint, _size), (again.Fingerprint, again.IdOf("<a>")));
    }

    [Theory]
    [InlineData("tokenizer_config.json", """{"eos_token": "<gone>"}""", "$.eos_token is '<gone>', which is not in the vocabulary")]
    [InlineData("tokenizer_config.json", """{"bos_token": {"content": "<gone>"}}""", "$.bos_token is '<gone>', which is not in the vocabulary")]
    [InlineData("special_tokens_map.json", """{"pad_token": "<gone>"}""", "$.pad_token is '<gone>', which is not in the vocabulary")]
    [InlineData("tokenizer_config.json", """{"additional_special_tokens": ["<gone>"]}""", "the model in the folder has")]
    [InlineData("tokenizer_config.json", """{"added_tokens_decoder": {"100000": {"content": "<gone>"}}}""", "not 100000 as declared")]
    [InlineData("tokenizer_config.json", """{"added_tokens_decoder": {"x": {"content": "<gone>"}}}""", "expected ids as names")]
    [InlineData("tokenizer_config.json", """{"added_tokens_decoder": ["<gone>"]}""", "expected an object from ids to tokens")]
    [InlineData("added_tokens.json", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git lfs pull")]
    public void A_folder_that_contradicts_itself_is_refused_by_name(string file, string content, string said)
    {
        Write(file, content);
        Write("config.json", $$"""{"vocab_size": {{_size}}, "eos_token_id": 0}""");
        InputException error = Assert.Throws<InputException>(() => ToyTokenizer.Load(_folder));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_with_rows_for_them_takes_them()
    {
        Write("tokenizer_config.json", """{"additional_special_tokens": ["<new>"], "eos_token": "<new>", "pad_token": ""}""");
        Write("config.json", $$"""{"text_config": {"vocab_size": {{_size + 1}} } }""");
        TextTokenizer tokenizer = ToyTokenizer.Load(_folder);
        Assert.Equal((_size, null), (tokenizer.EosId, tokenizer.PadId));
    }

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_folder, name), content);

    private static List<int> Ids(TextTokenizer tokenizer, string text)
    {
        var ids = new List<int>();
        tokenizer.CreateEncoder().Encode(text, addSpecialTokens: false, ids);
        return ids;
    }
}
