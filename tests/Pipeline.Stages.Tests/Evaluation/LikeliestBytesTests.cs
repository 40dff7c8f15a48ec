using System.Text;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tests.Tokenization;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Evaluation;

/// <summary>Against a twin in plain C# that walks the text byte by byte over whole logits.</summary>
[Collection(TorchCollection.Name)]
public sealed class LikeliestBytesTests : IDisposable
{
    private static readonly string[] Texts =
        ["The first window.", " A", " second one, which is longer than the first: 1 + 2 = 3", "é 漢 😀\n\nthe end", "x", "<s> is text here"];

    private readonly TorchDevice _device = TestDevice.Create();

    public void Dispose() => _device.Dispose();

    [Theory]
    [InlineData("bytes", "bytes")]
    [InlineData("bytes", "llama3")]
    [InlineData("bare bytes", "bytes")]
    [InlineData("bare bytes", "gemma")]
    [InlineData("llama2", "llama3")]
    [InlineData("llama3", "gemma")]
    [InlineData("softcapped gemma", "llama2")]
    public async Task Two_models_agree_where_a_slow_twin_says_so_whichever_is_the_reference(string one, string other)
    {
        using Side first = Side.Of(one, 3), second = Side.Of(other, 4);
        Dictionary<int, int>[] slowFirst = first.Slow(EnsembleAverage.Probability), slowSecond = second.Slow(EnsembleAverage.Probability);
        long offsets = 0, same = 0;
        for (int window = 0; window < Texts.Length; window++)
        {
            foreach ((int offset, int next) in slowFirst[window].Where(o => slowSecond[window].ContainsKey(o.Key)))
            {
                offsets++;
                same += next == slowSecond[window][offset] ? 1 : 0;
            }
        }

        (LikeliestBytes fast, double[] sums) = await first.FastAsync(_device, null);
        (LikeliestBytes compared, _) = await second.FastAsync(_device, fast);
        (LikeliestBytes all, _) = await second.FastAsync(_device, null);
        (LikeliestBytes back, _) = await first.FastAsync(_device, all);

        AssertSame(slowFirst, fast);
        AssertSame(slowSecond, all);
        Assert.True(offsets > 20);
        Assert.All([compared.ComparedWith(fast), fast.ComparedWith(compared), all.ComparedWith(fast), back.ComparedWith(all)], r => Assert.Equal((same, offsets), r));
        // The other pass is the same with and without.
        Assert.Equal(await new WindowScorer(_device, 90).ScoreAsync(first.Members, Averaging.None, first.Windows), sums);
    }

    [Theory]
    [InlineData(EnsembleAverage.Probability)]
    [InlineData(EnsembleAverage.LogProbability)]
    public async Task The_members_of_an_ensemble_answer_as_one(EnsembleAverage average)
    {
        using Side side = Side.Of("llama3", 3, 4, 5);
        Dictionary<int, int>[] slow = side.Slow(average);
        (LikeliestBytes fast, _) = await side.FastAsync(_device, null, average);
        AssertSame(slow, fast);
        Assert.NotEqual(side.Slow((EnsembleAverage)(1 - (int)average)).Select(w => string.Join(' ', w)), slow.Select(w => string.Join(' ', w)));
    }

    [Theory]
    [InlineData("bytes")]
    [InlineData("llama3")]
    public async Task A_model_agrees_with_itself_at_every_token(string name)
    {
        using Side side = Side.Of(name, 3);
        (LikeliestBytes once, _) = await side.FastAsync(_device, null);
        (LikeliestBytes again, _) = await side.FastAsync(_device, once);
        long tokens = side.Windows.Sum(w => w.TextTokens);
        Assert.Equal((tokens, tokens), again.ComparedWith(once));
    }

    [Fact]
    public async Task Models_of_the_same_kind_agree_at_some_offsets_and_not_at_others()
    {
        using Side first = Side.Of("llama3", 3), second = Side.Of("gemma", 4);
        (LikeliestBytes reference, _) = await first.FastAsync(_device, null);
        (LikeliestBytes compared, _) = await second.FastAsync(_device, reference);
        (long same, long offsets) = compared.ComparedWith(reference);
        Assert.InRange(same, 1, offsets - 1);
    }

    [Fact]
    public void Offsets_are_those_of_tokens_that_are_predicted_and_stand_for_their_own_bytes()
    {
        TextTokenizer bare = ByteModels.Tokenizer(hasMarks: false), marked = ByteModels.Tokenizer(), dummy = GoldenTests.Load("llama2", out _);
        Assert.Equal([-1, 1, 2], WindowTokens.Encode(bare.CreateEncoder(), bare, "abc", keepOffsets: true).Offsets!);
        Assert.Equal([-1, 0, 1, 2], WindowTokens.Encode(marked.CreateEncoder(), marked, "abc", keepOffsets: true).Offsets!);
        Assert.Null(WindowTokens.Encode(marked.CreateEncoder(), marked, "abc").Offsets);
        // A token with the space that the tokenizer put in front begins nowhere in the text.
        int[] offsets = WindowTokens.Encode(dummy.CreateEncoder(), dummy, "the end", keepOffsets: true).Offsets!;
        Assert.Equal([-1, -1], offsets[..2]);
        Assert.All(offsets[2..], o => Assert.InRange(o, 1, 6));
    }

    [Fact]
    public void Without_offsets_there_is_nothing_to_ask_at()
        => Assert.Throws<InvalidOperationException>(() => new LikeliestBytes([new WindowTokens([1, 2], true, 0)]));

    private static void AssertSame(Dictionary<int, int>[] slow, LikeliestBytes fast)
    {
        for (int window = 0; window < Texts.Length; window++)
        {
            for (int offset = 0; offset <= Encoding.UTF8.GetByteCount(Texts[window]); offset++)
                Assert.Equal((window, offset, slow[window].GetValueOrDefault(offset, -1)), (window, offset, (int)fast.At(window, offset)));
        }
    }

    /// <summary>Random models over one tokenizer. Their heads have more rows than there are tokens.</summary>
    private sealed class Side : IDisposable
    {
        private readonly bool _prependsSpace;
        private readonly TextTokenizer _tokenizer;
        private readonly CausalLm[] _models;

        private Side(TextTokenizer tokenizer, bool prependsSpace, CausalLm[] models)
        {
            (_tokenizer, _prependsSpace, _models) = (tokenizer, prependsSpace, models);
            Members = [.. models.Select((m, i) => new LanguageModel(m, tokenizer) { Name = $"m{i}" })];
            TextEncoder encoder = tokenizer.CreateEncoder();
            Windows = [.. Texts.Select(t => WindowTokens.Encode(encoder, tokenizer, t, keepOffsets: true))];
        }

        public LanguageModel[] Members { get; }

        public WindowTokens[] Windows { get; }

        public static Side Of(string name, params int[] seeds)
        {
            TextTokenizer tokenizer = name switch
            {
                "bytes" => ByteModels.Tokenizer(),
                "bare bytes" => ByteModels.Tokenizer(hasMarks: false),
                _ => GoldenTests.Load(name.Split(' ')[^1], out _),
            };
            double? softcap = name.StartsWith("softcapped", StringComparison.Ordinal) ? 2.5 : null;
            return new Side(tokenizer, name == "llama2", [.. seeds.Select(s => ByteModels.Create(s, tokenizer.VocabularySize + 12, softcap))]);
        }

        public async Task<(LikeliestBytes LikeliestBytes, double[] Sums)> FastAsync(TorchDevice device, LikeliestBytes? reference, EnsembleAverage average = EnsembleAverage.Probability)
        {
            var nextBytes = new LikeliestBytes(Windows, reference);
            double[] sums = await new WindowScorer(device, 90).ScoreAsync(Members, Averaging.Even(average, Members.Length), Windows, nextBytes);
            return (nextBytes, sums);
        }

        /// <summary>Per window the class of the most likely next byte, by offset.</summary>
        public Dictionary<int, int>[] Slow(EnsembleAverage average) => [.. Texts.Select(t => Slow(t, average))];

        public void Dispose() => Array.ForEach(_models, m => m.Dispose());

        private Dictionary<int, int> Slow(string text, EnsembleAverage average)
        {
            var ids = new List<int>();
            if ((_tokenizer.BosId ?? _tokenizer.EosId) is { } prefix)
                ids.Add(prefix);
            int marks = ids.Count;
            _tokenizer.CreateEncoder().Encode(text, addSpecialTokens: false, ids);
            double[][][] logits = [.. _models.Select(m => Logits(m, [.. ids]))];
            var classes = new Dictionary<int, int>();
            for (int i = marks, at = 0; i < ids.Count; i++)
            {
                // In front of the text, and again behind an added token inside it.
                bool hasDummy = _prependsSpace && !_tokenizer.IsMark(ids[i]) && (i == marks || _tokenizer.IsMark(ids[i - 1]));
                if (!hasDummy && i > 0)
                    classes.Add(at, MostLikely([.. logits.Select(l => l[i - 1])], average));
                at += _tokenizer.ByteView(ids[i]).Length - (hasDummy ? 1 : 0);
            }
            return classes;
        }

        private int MostLikely(double[][] logits, EnsembleAverage average)
        {
            int size = _tokenizer.VocabularySize;
            double[][] each = [.. logits.Select(l => l[..size].Select(Math.Exp).ToArray()).Select(e => e.Select(v => v / e.Sum()).ToArray())];
            var mass = new double[257];
            for (int id = 0; id < size; id++)
            {
                double p = average == EnsembleAverage.Probability ? each.Average(e => e[id]) : Math.Exp(each.Average(e => Math.Log(e[id])));
                mass[_tokenizer.IsSpecial(id) || _tokenizer.TokenOf(id) is null ? 256 : _tokenizer.ByteView(id)[0]] += p;
            }
            return Array.IndexOf(mass, mass.Max());
        }

        private static double[][] Logits(CausalLm model, int[] ids)
        {
            using IDisposable quiet = no_grad();
            using DisposeScope scope = NewDisposeScope();
            using AttentionContext attention = model.CreateAttention(1, ids.Length);
            Tensor logits_TV = model.Logits(model.Hidden(tensor(ids.Select(i => (long)i).ToArray(), [1, ids.Length]), attention))[0];
            return [.. Enumerable.Range(0, ids.Length).Select(t => logits_TV[t].cpu().data<float>().Select(v => (double)v).ToArray())];
        }
    }
}
