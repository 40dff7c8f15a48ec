using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tests.Tokenization;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Evaluation;

[Collection(TorchCollection.Name)]
public sealed class NextByteTests
{
    [Fact]
    public void A_token_is_of_its_first_byte_and_special_tokens_of_none()
    {
        TextTokenizer gemma = GoldenTests.Load("gemma", out _);
        long[] classes = NextByte.ClassesOf(gemma);
        Assert.Equal(gemma.VocabularySize, classes.Length);
        Assert.Equal(NextByte.NoByte, classes[gemma.IdOf("<s>")!.Value]);
        Assert.Equal('\n', classes[gemma.IdOf("\n\n")!.Value]);
        Assert.Equal('<', classes[gemma.IdOf("<b>")!.Value]);
        Assert.Equal(0xE9, classes[gemma.IdOf("<0xE9>")!.Value]);
        Assert.Equal(' ', classes[gemma.IdOf("▁")!.Value]);
        Assert.Equal(Enumerable.Range(0, 256).Select(b => (long)b), NextByte.ClassesOf(ByteModels.Tokenizer()).Take(256));
    }

    [Fact]
    public void The_tokens_of_a_byte_count_together_and_rows_above_the_tokenizer_not_at_all()
    {
        TextTokenizer tokenizer = GoldenTests.Load("llama3", out _);
        int[] spaces = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(id => tokenizer.ByteView(id) is [(byte)' ', _, ..]).Take(3)];
        int[] marks = [.. tokenizer.SpecialIds.Take(2)];
        Assert.Equal((3, 2), (spaces.Length, marks.Length));
        int a = tokenizer.IdOf("a")!.Value, padding = tokenizer.VocabularySize + 3;

        Assert.Equal('a', MostLikely(tokenizer, [(a, 0.4), (spaces[0], 0.35), (padding, 1e9)]));
        Assert.Equal(' ', MostLikely(tokenizer, [(a, 0.4), (spaces[0], 0.2), (spaces[1], 0.2), (spaces[2], 0.15)]));
        Assert.Equal(NextByte.NoByte, MostLikely(tokenizer, [(a, 0.4), (marks[0], 0.25), (marks[1], 0.25)]));
    }

    [Fact]
    public void Positions_of_every_slice_have_their_own_answer()
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = ByteModels.Create(3);
        var scored = new LanguageModel(model, ByteModels.Tokenizer());
        Tensor classes_V = tensor(NextByte.ClassesOf(scored.Tokenizer));
        const int Distinct = 7;
        long rows = (EnsembleHead.SliceElements / scored.ValidRows) + 100;
        Tensor some_NH = randn([Distinct, 24], generator: new Generator(5));

        long[] alone = [.. NextByte.MostLikely([some_NH], [scored], Averaging.None, classes_V).cpu().data<long>()];
        long[] all = [.. NextByte.MostLikely([some_NH.index_select(0, arange(rows).remainder(Distinct))], [scored], Averaging.None, classes_V).cpu().data<long>()];

        Assert.True(alone.Distinct().Count() > 3);
        Assert.Equal(rows, all.Length);
        Assert.All(all.Select((value, i) => (value, i)), e => Assert.Equal(alone[e.i % Distinct], e.value));
    }

    // A head whose first column holds these logarithms, before a hidden state that is 1 there; all other tokens are all but impossible.
    private static long MostLikely(TextTokenizer tokenizer, (int Id, double Probability)[] tokens)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = ByteModels.Create(3, tokenizer.VocabularySize + 8);
        var scored = new LanguageModel(model, tokenizer);
        float[] column = [.. Enumerable.Repeat(-40f, scored.Model.Config.VocabularySize)];
        foreach ((int id, double probability) in tokens)
            column[id] = (float)Math.Log(probability);
        model.HeadWeight.zero_();
        model.HeadWeight.select(1, 0).copy_(tensor(column));
        Tensor hidden_NH = zeros([1, 24]);
        hidden_NH[0, 0] = tensor(1f);
        return NextByte.MostLikely([hidden_NH], [scored], Averaging.None, tensor(NextByte.ClassesOf(tokenizer))).item<long>();
    }
}
