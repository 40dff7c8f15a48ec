using Pipeline.Contracts.Errors;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Evaluation;

[Collection(TorchCollection.Name)]
public sealed class WindowScorerTests
{
    private static readonly string[] Texts = ["The first window.", " A", " second one, which is longer than the first: 1 + 2 = 3", "é 漢 😀", "x"];

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(100_000)]
    public async Task Scores_do_not_depend_on_the_batches_and_are_those_of_whole_logits(int batchTokens)
    {
        using TorchDevice device = TestDevice.Create();
        using CausalLm model = ByteModels.Create(3);
        var scored = new LanguageModel(model, ByteModels.Tokenizer());
        WindowTokens[] windows = Encode(scored.Tokenizer);

        double[] sums = await new WindowScorer(device, batchTokens).ScoreAsync([scored], Averaging.None, windows);

        double[] expected = await device.RunAsync(() => windows.Select(w => Slow([model], w.Ids, scored.ValidRows, null)).ToArray());
        Assert.Equal(expected.Length, sums.Length);
        for (int i = 0; i < sums.Length; i++)
            Assert.Equal(expected[i], sums[i], 3);
    }

    [Theory]
    [InlineData(EnsembleAverage.Probability)]
    [InlineData(EnsembleAverage.LogProbability)]
    public async Task Ensembles_average_whole_distributions(EnsembleAverage average)
    {
        using TorchDevice device = TestDevice.Create();
        using CausalLm first = ByteModels.Create(3), second = ByteModels.Create(4), third = ByteModels.Create(5);
        CausalLm[] models = [first, second, third];
        TextTokenizer tokenizer = ByteModels.Tokenizer();
        LanguageModel[] members = [.. models.Select((m, i) => new LanguageModel(m, tokenizer) { Name = $"m{i}" })];
        WindowTokens[] windows = Encode(tokenizer);

        double[] sums = await new WindowScorer(device, 80).ScoreAsync(members, Averaging.Even(average, members.Length), windows);

        double[] expected = await device.RunAsync(() => windows.Select(w => Slow(models, w.Ids, members[0].ValidRows, average)).ToArray());
        for (int i = 0; i < sums.Length; i++)
            Assert.Equal(expected[i], sums[i], 3);
    }

    [Fact]
    public void Without_bos_and_eos_the_first_token_has_no_score_and_its_bytes_are_told()
    {
        TextTokenizer bare = ByteModels.Tokenizer(hasMarks: false), marked = ByteModels.Tokenizer();
        WindowTokens without = WindowTokens.Encode(bare.CreateEncoder(), bare, "abc"), with = WindowTokens.Encode(marked.CreateEncoder(), marked, "abc");
        Assert.Equal((3, 3, 1, false), (without.Ids.Length, without.TextTokens, without.UnscoredBytes, without.HasPrefix));
        Assert.Equal((4, 3, 0, true), (with.Ids.Length, with.TextTokens, with.UnscoredBytes, with.HasPrefix));
        Assert.Equal(marked.BosId, with.Ids[0]);
    }

    [Fact]
    public async Task Ids_above_the_models_rows_are_refused()
    {
        using TorchDevice device = TestDevice.Create();
        using CausalLm model = ByteModels.Create(3);
        var scored = new LanguageModel(model, ByteModels.Tokenizer());
        var windows = new[] { new WindowTokens([1, 300], true, 0) };
        InputException error = await Assert.ThrowsAsync<InputException>(
            () => new WindowScorer(device, 64).ScoreAsync([scored], Averaging.None, windows));
        Assert.Contains("gives id 300", error.Message, StringComparison.Ordinal);
    }

    private static WindowTokens[] Encode(TextTokenizer tokenizer)
    {
        TextEncoder encoder = tokenizer.CreateEncoder();
        return [.. Texts.Select(t => WindowTokens.Encode(encoder, tokenizer, t))];
    }

    // All logits of one window at a time, in double precision from there on.
    private static double Slow(CausalLm[] models, int[] ids, int valid, EnsembleAverage? average)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor input = tensor(ids.Select(i => (long)i).ToArray(), [1, ids.Length]);
        Tensor[] logs = [.. models.Select(m =>
        {
            using AttentionContext attention = m.CreateAttention(1, ids.Length);
            return m.Logits(m.Hidden(input, attention))[0].narrow(1, 0, valid).to(ScalarType.Float64).log_softmax(1);
        })];
        Tensor all = stack(logs);
        Tensor log = average switch
        {
            null => logs[0],
            EnsembleAverage.Probability => all.exp().mean([0]).log(),
            _ => all.mean([0]).log_softmax(1),
        };
        double sum = 0;
        for (int t = 1; t < ids.Length; t++)
            sum += log[t - 1, ids[t]].item<double>();
        return sum;
    }
}
