using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests.Alignment;
using Pipeline.Stages.Tests.Torch;

namespace Pipeline.Stages.Tests.Student;

[Collection(TorchCollection.Name)]
public sealed class RealignTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Realigned_shards_are_those_of_scoring_from_scratch_byte_for_byte(bool hidden)
    {
        string tokenizer = ToyTokenizer.SentencePiece(_run["other"], 60, "<s>", "</s>", ["<s>", "</s>"]);
        RunDefinition bytes = _run.Definition(), other = _run.Definition(tokenizer);
        var options = new Stages.Teacher.ScoreTeacherOptions { HiddenLayers = hidden ? [-1] : null };
        await _run.WriteShardsAsync(bytes, "shards", TinyRun.Documents(21), count: 3, options);
        await _run.WriteShardsAsync(other, "scratch", TinyRun.Documents(21), count: 3, options);
        await _run.RealignAsync(other, "shards", "realigned", count: 3);
        string[] files = [.. Directory.GetFiles(_run["scratch"]).Select(Path.GetFileName).Order()!];
        Assert.Equal(4, files.Length);
        foreach (string file in files)
            Assert.True(File.ReadAllBytes(_run[$"scratch/{file}"]).SequenceEqual(File.ReadAllBytes(_run[$"realigned/{file}"])), file);
        Assert.False(File.ReadAllBytes(_run[$"scratch/{files[^1]}"]).SequenceEqual(File.ReadAllBytes(_run[$"shards/{files[^1]}"])));
    }

    [Fact]
    public async Task Another_number_of_shards_holds_the_same_records_in_order()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(21), count: 3);
        await _run.RealignAsync(definition, "shards", "fewer", count: 2);
        ShardSet set = ShardSet.Open(_run.Storage, _run["fewer"], new Dictionary<string, string>());
        Assert.Equal(TinyRun.Documents(21).Select(d => d.Id), set.Shards.SelectMany(s => s.ReadAll()).Select(e => e.Id));
        Assert.Equal([10L, 11], set.Shards.Select(s => s.Footer.Totals.Records));
    }

    [Fact]
    public async Task A_hidden_state_that_the_shards_do_not_hold_is_refused()
    {
        string tokenizer = ToyTokenizer.SentencePiece(_run["other"], 60, "<s>", "</s>", ["<s>", "</s>"]);
        await _run.WriteShardsAsync(_run.Definition(tokenizer), "shards", TinyRun.Documents(8), options: new() { HiddenLayers = [-1] });
        InputException e = await Assert.ThrowsAsync<InputException>(() => _run.RealignAsync(_run.Definition(), "shards", "bytes"));
        Assert.Contains("has no hidden state of the teacher", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_realigned_is_rejected_with_its_reason()
    {
        RunDefinition definition = _run.Definition();
        Example example = (await _run.ScoreAsync(definition, TinyRun.Documents(1)))[0];
        var stage = Made.Realign(new RealignOptions { MaxStudentTokens = 16 }, _run.Context(definition));
        Assert.Equal("longer than the limit", Reason(example));
        Assert.Equal("teacher tokens differ", Reason(example with { Text = example.Text + "!" }));
        Assert.Equal("no teacher tokens", Reason(example with { Teacher = null }));
        TokenSequence tokens = example.Teacher!.Tokens;
        ushort[] units = [.. tokens.Units!];
        units[1] = UnitLabels.FirstTemplateUnit;
        Assert.Equal("a conversation", Reason(example with { Teacher = example.Teacher with { Tokens = tokens with { Units = units } } }));

        string Reason(Example e) => Assert.Throws<Contracts.Stages.RejectedException>(() => stage.Map(new OrderedExample(0, e))).Reason;
    }

    [Fact]
    public async Task What_counts_in_the_loss_is_kept()
    {
        RunDefinition definition = _run.Definition();
        string tokenizer = ToyTokenizer.SentencePiece(_run["other"], 60, "<s>", "</s>", ["<s>", "</s>"]);
        TextDocument[] documents = [new(new DocumentId(1, 0, 0), "What is three plus four? It is seven.")];
        var limits = new Stages.Documents.TokenizeOptions { LossOn = Stages.Chat.LossOn.Marker, LossMarker = "?" };
        Example bytes = (await _run.ScoreAsync(definition, documents, limits: limits))[0], scratch = (await _run.ScoreAsync(_run.Definition(tokenizer), documents, limits: limits))[0];
        Example realigned = Made.Realign(new RealignOptions(), _run.Context(_run.Definition(tokenizer))).Map(new OrderedExample(0, bytes))[0];
        Assert.Equal(scratch.Student.Ids, realigned.Student.Ids);
        Assert.Equal(scratch.Student.LossMask, realigned.Student.LossMask);
        Assert.Contains(false, realigned.Student.LossMask!);
        Assert.Contains(true, realigned.Student.LossMask!);
    }
}
