using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Tests.Alignment;

/// <summary>Prompts and continuations as ids: the tokenizer's own of the whole text, and where the continuation begins in them.</summary>
public sealed class PromptEncoderTests : IDisposable
{
    private const string Template = "{% for m in messages %}{{ '<|user|>' if m.role == 'user' else '<|bot|>' }}{{ m.content }}{{ '<|end|>' }}{% endfor %}{% if add_generation_prompt %}<|bot|>{% endif %}";
    private readonly string _folder = Directory.CreateTempSubdirectory("alm-prompt-").FullName;
    private readonly TextTokenizer _tokenizer;

    public PromptEncoderTests()
    {
        ToyTokenizer.ByteLevel(_folder, 60, "<|begin|>", "<|end|>", ["<|begin|>", "<|end|>", "<|user|>", "<|bot|>"], Template);
        _tokenizer = TextTokenizer.Load(_folder, new DiskStorage());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("Anna has 12", " apples")]
    [InlineData("How many apples do", "es she have now?")]
    [InlineData("", "The answer")]
    [InlineData("The answer is 42.", "")]
    [InlineData("caf", "é \u0065\u0301")]
    public void The_continuation_begins_at_the_first_token_that_holds_a_byte_of_it(string prompt, string continuation)
    {
        EncodedPrompt found = Encoder().Encode(default, prompt, continuation);
        Assert.Equal([_tokenizer.BosId!.Value, .. Ids(prompt + continuation)], found.Ids);
        string before = _tokenizer.Decode(found.Ids.AsSpan(0, found.Begins), skipSpecialTokens: true);
        Assert.StartsWith(before, prompt, StringComparison.Ordinal);
        // One token more holds bytes of the continuation.
        if (continuation.Length > 0)
            Assert.True(_tokenizer.Decode(found.Ids.AsSpan(0, found.Begins + 1), skipSpecialTokens: true).Length > prompt.Length || before == prompt);
        else
            Assert.Equal(found.Ids.Length, found.Begins);
        Assert.Equal(before != prompt, found.IsShared);
    }

    [Fact]
    public void A_conversation_ends_where_the_answer_begins()
    {
        var prompt = new TextDocument(default, "", [new ChatMessage("user", "How many apples?")]);
        string rendered = Encoder().Render(prompt);
        Assert.Equal("<|user|>How many apples?<|end|><|bot|>", rendered);
        EncodedPrompt found = Encoder().Encode(default, rendered, "12 apples");
        Assert.Equal([_tokenizer.BosId!.Value, .. Ids(rendered + "12 apples")], found.Ids);
        Assert.Equal(1 + Ids(rendered).Length, found.Begins);
        Assert.False(found.IsShared);
        var bare = new PromptEncoder(new ChatSide(_tokenizer, "bare", null));
        Assert.Contains("no chat template", Assert.Throws<InputException>(() => bare.Render(prompt)).Message, StringComparison.Ordinal);
        var strict = new PromptEncoder(new ChatSide(_tokenizer, "strict", "{{ raise_exception('no') }}"));
        Assert.Throws<RejectedException>(() => strict.Render(prompt));
    }

    private PromptEncoder Encoder() => new(new ChatSide(_tokenizer, _folder, Template));

    private int[] Ids(string text)
    {
        List<int> ids = [];
        _tokenizer.CreateEncoder().Encode(text.Normalize(), addSpecialTokens: false, ids);
        return [.. ids];
    }
}
