using Pipeline.Stages.Batching;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

[Collection(TorchCollection.Name)]
public sealed class DecoderTests
{
    private const int Length = 11;

    [Theory]
    [MemberData(nameof(TinyConfigs.Names), MemberType = typeof(TinyConfigs))]
    public void Every_family_computes_what_its_rules_written_out_in_doubles_do(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create(name);
        SlowTwin twin = new(TinyConfigs.All[name], TinyModels.Weights(model));
        Random random = new(1);
        int[] ids = [.. Enumerable.Range(0, Length).Select(_ => random.Next(model.Config.VocabularySize))];
        Compare(model, twin, ids, [.. Enumerable.Repeat(1, Length)], [.. Enumerable.Range(0, Length)], masked: false);
        Compare(model, twin, ids, [0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1], [0, 0, 0, 1, 2, 3, 3, 4, 5, 6, 7], masked: true);
    }

    [Theory]
    [MemberData(nameof(TinyConfigs.Names), MemberType = typeof(TinyConfigs))]
    public void Packed_documents_compute_what_each_computes_alone(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable quiet = no_grad();
        using CausalLm model = TinyModels.Create(name);
        Tensor first = arange(5, dtype: ScalarType.Int64).unsqueeze(0), second = (arange(6, dtype: ScalarType.Int64) + 9).unsqueeze(0);
        Tensor ids = cat([first, second], 1), positions = cat([arange(5, dtype: ScalarType.Int64), arange(6, dtype: ScalarType.Int64)]).unsqueeze(0);
        Tensor segments = cat([zeros(5, dtype: ScalarType.Int64), ones(6, dtype: ScalarType.Int64)]).unsqueeze(0);
        using AttentionContext packed = model.CreateAttention(1, 11, positions: positions, segments: segments);
        Tensor together = model.Hidden(ids, packed);
        using AttentionContext five = model.CreateAttention(1, 5), six = model.CreateAttention(1, 6);
        Tensor apart = cat([model.Hidden(first, five), model.Hidden(second, six)], 1);
        Assert.True(GoldenModels.MaxDifference(together, apart) < 1e-5);
        using AttentionContext open = model.CreateAttention(1, 11, positions: positions);
        Assert.True(GoldenModels.MaxDifference(model.Hidden(ids, open), apart) > 1e-3, "without segments attention crosses, or the test shows nothing");
    }

    [Theory]
    [MemberData(nameof(TinyConfigs.Names), MemberType = typeof(TinyConfigs))]
    public void A_row_computes_the_same_beside_a_longer_one(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable quiet = no_grad();
        using CausalLm model = TinyModels.Create(name);
        int[][] rows = [[7, 3, 1, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9]];
        BatchTensors batch = BatchTensors.Of(rows, CPU);
        using AttentionContext both = model.CreateAttention(2, 9, lengths: batch.Lengths);
        Tensor together = model.Hidden(batch.Ids_BT, both);
        for (int row = 0; row < rows.Length; row++)
        {
            using AttentionContext one = model.CreateAttention(1, rows[row].Length);
            Tensor alone = model.Hidden(tensor([.. rows[row].Select(id => (long)id)]).unsqueeze(0), one);
            Assert.True(GoldenModels.MaxDifference(together[row].narrow(0, 0, rows[row].Length), alone[0]) < 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(TinyConfigs.Names), MemberType = typeof(TinyConfigs))]
    public void Checkpointing_changes_no_gradient_even_where_only_part_is_trained(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create(name);
        // The frozen embeddings leave the first checkpointed layer's input without a gradient.
        model.SetTrainable(TrainablePart.Full, ["model.embed_tokens.weight", "model.layers.0.mlp.*"]);
        Dictionary<string, Tensor> plain = Gradients(model, checkpoint: false), recomputed = Gradients(model, checkpoint: true);
        Assert.NotEmpty(plain);
        Assert.Equal(plain.Keys, recomputed.Keys);
        foreach ((string weight, Tensor gradient) in plain)
            Assert.True(GoldenModels.MaxDifference(gradient, recomputed[weight]) == 0, weight);
    }

    [Theory]
    [MemberData(nameof(TinyConfigs.Names), MemberType = typeof(TinyConfigs))]
    public void In_bfloat16_everything_is_the_same_but_for_its_rounding(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm exact = TinyModels.Create(name), rounded = CausalLm.Create(exact.Config, 1, CPU, ScalarType.BFloat16);
        using (IDisposable quiet = no_grad())
        {
            // The same weights on both sides, so that only the arithmetic differs.
            foreach (((_, var wide), (_, var narrow)) in exact.Parameters.Zip(rounded.Parameters))
            {
                narrow.copy_(wide);
                wide.copy_(narrow);
            }

            Tensor ids = arange(12, dtype: ScalarType.Int64).view(2, 6), mask = ones(2, 6, dtype: ScalarType.Int64);
            mask[0, 0] = tensor(0L);
            foreach (Tensor? seen in new[] { null, mask })
            {
                Tensor expected = LogitsFile.Compute(exact, ids, seen, null).Logits, found = LogitsFile.Compute(rounded, ids, seen, null).Logits;
                Assert.Equal(ScalarType.Float32, found.dtype);
                double limit = 0.1 * expected.abs().max().item<float>();
                Assert.InRange(GoldenModels.MaxDifference(found.narrow(1, 1, 5), expected.narrow(1, 1, 5)), 1e-6, limit);
            }
        }

        exact.SetTrainable(TrainablePart.Full);
        rounded.SetTrainable(TrainablePart.Full);
        Dictionary<string, Tensor> wideGradients = Gradients(exact, checkpoint: false), narrowGradients = Gradients(rounded, checkpoint: true);
        Assert.Equal(wideGradients.Keys, narrowGradients.Keys);
        foreach ((string weight, Tensor gradient) in wideGradients)
        {
            Assert.Equal(ScalarType.BFloat16, narrowGradients[weight].dtype);
            double cosine = nn.functional.cosine_similarity(gradient.flatten(), narrowGradients[weight].to(ScalarType.Float32).flatten(), 0).item<float>();
            Assert.True(cosine > 0.95, $"gradient of {weight}: cosine {cosine}");
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights_and_another_seed_others()
    {
        using DisposeScope scope = NewDisposeScope();
        ModelConfig config = ModelConfig.Parse(TinyConfigs.All["llama"], "llama");
        using CausalLm a = CausalLm.Create(config, 1, CPU, ScalarType.Float32), b = CausalLm.Create(config, 1, CPU, ScalarType.Float32), c = CausalLm.Create(config, 2, CPU, ScalarType.Float32);
        Assert.Equal(0, GoldenModels.MaxDifference(a.HeadWeight, b.HeadWeight));
        Assert.NotEqual(0, GoldenModels.MaxDifference(a.HeadWeight, c.HeadWeight));
        Assert.Equal(0.4, a.EmbeddingWeight.std().item<float>(), 0.03);
        Assert.NotEqual(0, GoldenModels.MaxDifference(a.HeadWeight, a.EmbeddingWeight));
    }

    private static void Compare(CausalLm model, SlowTwin twin, int[] ids, int[] mask, int[] positions, bool masked)
    {
        using IDisposable quiet = no_grad();
        Tensor Row(int[] values) => tensor(values.Select(value => (long)value).ToArray()).unsqueeze(0);
        (Tensor logits, Tensor hidden) = LogitsFile.Compute(model, Row(ids), masked ? Row(mask) : null, masked ? Row(positions) : null);
        (List<double[][]> states, double[][] expected) = twin.Run(ids, mask, positions);
        for (int t = 0; t < ids.Length; t++)
        {
            if (mask[t] == 0)
                continue;
            Near(expected[t], logits[0, t]);
            for (int i = 0; i < states.Count; i++)
                Near(states[i][t], hidden[i, 0, t]);
        }
    }

    private static void Near(double[] expected, Tensor found)
    {
        float[] values = found.contiguous().data<float>().ToArray();
        double limit = 2e-5 * Math.Max(1, expected.Max(Math.Abs));
        for (int i = 0; i < values.Length; i++)
            Assert.True(Math.Abs(expected[i] - values[i]) <= limit, $"{values[i]}, expected {expected[i]}");
        Assert.Equal(expected.Length, values.Length);
    }

    private static Dictionary<string, Tensor> Gradients(CausalLm model, bool checkpoint)
    {
        Tensor ids = arange(12, dtype: ScalarType.Int64).view(2, 6);
        using AttentionContext attention = model.CreateAttention(2, 6);
        Tensor hidden = model.Hidden(ids, attention, checkpoint).reshape(12, -1);
        VocabularyHead.Score(hidden, model.HeadWeight, ids.reshape(-1), new HeadOptions(model.Config.FinalSoftcap)).LogLikelihood.sum().backward();
        Dictionary<string, Tensor> gradients = [];
        foreach ((string name, var parameter) in model.Parameters)
        {
            if (parameter.grad is { } gradient)
                gradients.Add(name, gradient.clone());
            parameter.grad = null;
        }

        return gradients;
    }
}
