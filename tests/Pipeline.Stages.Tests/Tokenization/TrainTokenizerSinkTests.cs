using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Training;

namespace Pipeline.Stages.Tests.Tokenization;

public sealed class TrainTokenizerSinkTests
{
    private readonly TestStorage _storage = new();
    private readonly string _run = Directory.CreateTempSubdirectory().FullName;

    [Fact]
    public async Task It_writes_a_folder_that_loads_with_its_marks()
    {
        await Train(Options());
        TextTokenizer tokenizer = TextTokenizer.Load(Path.Combine(_run, "tok"), _storage);
        Assert.Equal(280, tokenizer.VocabularySize);
        Assert.Equal(["<s>", "</s>", "<sep>"], tokenizer.SpecialIds.Select(id => tokenizer.TokenOf(id)!));
        Assert.Equal((tokenizer.IdOf("<s>"), tokenizer.IdOf("</s>")), (tokenizer.BosId, tokenizer.EosId));
        var ids = new List<int>();
        tokenizer.CreateEncoder().Encode("some text é", addSpecialTokens: true, ids);
        Assert.Equal(tokenizer.BosId, ids[0]);
        Assert.Equal("some text é", tokenizer.Decode([.. ids], skipSpecialTokens: true));
    }

    [Fact]
    public async Task Training_again_gives_the_same_bytes_and_a_finished_folder_is_left_alone()
    {
        await Train(Options());
        byte[] first = File.ReadAllBytes(Path.Combine(_run, "tok", "tokenizer.json"));
        await Train(Options() with { To = "tok2" });
        Assert.Equal(first, File.ReadAllBytes(Path.Combine(_run, "tok2", "tokenizer.json")));
        await Made.TrainTokenizer(Options(), Context()).RunAsync(Untouchable(), default);
    }

    [Fact]
    public async Task A_folder_trained_with_other_options_is_refused()
    {
        await Train(Options());
        InputException e = await Assert.ThrowsAsync<InputException>(() => Train(Options() with { VocabularySize = 275 }));
        Assert.Contains("other options", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_trained_on_other_text_is_refused_and_one_of_before_text_was_kept_is_not()
    {
        await Made.TrainTokenizer(Options(), Context("these files")).RunAsync(Documents("some text and some more text"), default);
        Assert.True(Made.TrainTokenizer(Options(), Context("these files")).IsCommitted(0));
        InputException e = Assert.Throws<InputException>(() => Made.TrainTokenizer(Options(), Context("those files")).IsCommitted(0));
        Assert.Contains("other text", e.Message, StringComparison.Ordinal);

        await Train(Options() with { To = "old" });
        Assert.True(Made.TrainTokenizer(Options() with { To = "old" }, Context("these files")).IsCommitted(0));
    }

    [Fact]
    public async Task A_folder_that_someone_deleted_is_missed()
    {
        await Train(Options());
        Assert.True(Made.TrainTokenizer(Options(), Context()).IsPresent(0));
        Directory.Delete(Path.Combine(_run, "tok"), recursive: true);
        Assert.False(Made.TrainTokenizer(Options(), Context()).IsPresent(0));
    }

    [Fact]
    public async Task What_fails_leaves_nothing_and_what_is_written_is_staged_as_everything_is()
    {
        string? staged = null;
        _storage.OnRename = (from, to) =>
        {
            if (to != Path.Combine(_run, "tok"))
                return;
            staged = from;
            throw new StorageException("the disk is gone");
        };

        await Assert.ThrowsAsync<StorageException>(() => Train(Options()));

        Assert.True(Staging.IsStaging(staged!), staged);
        Assert.Empty(Directory.GetFileSystemEntries(_run));
    }

    [Fact]
    public async Task No_text_is_refused()
        => await Assert.ThrowsAsync<InputException>(() => Made.TrainTokenizer(Options(), Context()).RunAsync(Documents(), default));

    [Fact]
    public void A_size_without_room_for_the_bytes_is_refused()
        => Assert.Throws<DefinitionException>(() => Made.TrainTokenizer(Options() with { VocabularySize = 258 }, Context()));

    [Fact]
    public async Task The_text_of_special_tokens_is_not_learnt()
    {
        await Train(Options(), "<sep><sep><sep><sep> a");
        TextTokenizer tokenizer = TextTokenizer.Load(Path.Combine(_run, "tok"), _storage);
        Assert.Null(tokenizer.IdOf("sep"));
    }

    private static TrainTokenizerOptions Options()
        => new() { VocabularySize = 280, SpecialTokens = ["<s>", "</s>", "<sep>"], Bos = "<s>", Eos = "</s>", MinFrequency = 1, To = "tok" };

    private Task Train(TrainTokenizerOptions options, params string[] texts)
        => Made.TrainTokenizer(options, Context()).RunAsync(
            Documents(texts.Length > 0 ? texts : ["some text and some more text, with numbers 12345 and 12345", "text text texts éé"]), default);

    private static async IAsyncEnumerable<TextDocument> Documents(params string[] texts)
    {
        await Task.CompletedTask;
        for (int i = 0; i < texts.Length; i++)
            yield return i % 2 == 0 ? new TextDocument(new DocumentId(1, i, 0), texts[i]) : new TextDocument(new DocumentId(1, i, 0), "", [new ChatMessage("user", texts[i])]);
    }

    private static async IAsyncEnumerable<TextDocument> Untouchable()
    {
        await Task.CompletedTask;
        Assert.Fail("the input of a finished training is read");
        yield break;
    }

    private StageContext Context(string? input = null)
    {
        var definition = new RunDefinition { Name = "run", Flows = [] };
        return new StageContext(definition, new FlowFacts(), "train-tokenizer", _run, _storage, new Silence(), new Silence(), new Nothing(), null)
        {
            Fingerprint = () => input is null ? new Dictionary<string, string>() : new Dictionary<string, string> { [FingerprintPart.Input] = input },
        };
    }

    private sealed class Silence : IStageMeter, IRejects
    {
        public void Count(string name, long amount)
        {
        }

        public void Scalar(string name, long step, double value)
        {
        }

        public void Progress(long done, long total)
        {
        }

        public void Say(string message)
        {
        }

        public void Reject(DocumentId id, string reason, string message)
        {
        }
    }

    private sealed class Nothing : IServiceProvider
    {
        public object? GetService(Type serviceType) => null;
    }
}
