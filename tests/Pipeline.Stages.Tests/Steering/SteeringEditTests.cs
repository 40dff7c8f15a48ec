using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Tests.Models;
using Pipeline.Stages.Tests.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Steering;

/// <summary>An edit inside a model: per token, and nothing else.</summary>
public sealed class SteeringEditTests : TorchTest
{
    public static TheoryData<string, ActivationPlace> Cases
    {
        get
        {
            TheoryData<string, ActivationPlace> cases = [];
            foreach (string name in new[] { "llama", "gemma3_text" })
            {
                cases.Add(name, ActivationPlace.Residual);
                cases.Add(name, ActivationPlace.Mlp);
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Batch_padding_and_cache_change_nothing(string name, ActivationPlace place)
    {
        using IDisposable quiet = no_grad();
        using CausalLm model = TinyModels.Create(name);
        Tensor ids = randint(1, 16, [3, 9], dtype: ScalarType.Int64);
        Tensor before = Logits(model, ids);
        using SteeringEdit edit = RandomEdit(model, place);
        edit.ApplyTo(model);
        Tensor together = Logits(model, ids);
        Assert.True((together - before).abs().max().ToDouble() > 1e-3, "the edit changes nothing");
        for (int row = 0; row < 3; row++)
        {
            int length = 9 - row;
            Tensor alone = Logits(model, ids[TensorIndex.Slice(row, row + 1), TensorIndex.Slice(0, length)]);
            Assert.True((alone - together[TensorIndex.Slice(row, row + 1), TensorIndex.Slice(0, length)]).abs().max().ToDouble() < 1e-5);
        }
        int[][] prompts = [[3, 1, 4, 1, 5], [9], [2, 6, 5]];
        GenerationOptions options = new() { MaxNewTokens = 8 };
        for (int i = 0; i < prompts.Length; i++)
        {
            int[] cached = [.. new TokenGenerator(model, options).Run(prompts, new HashSet<int>()).Where(t => t.Prompt == i).Select(t => t.Id)];
            Assert.Equal(new TokenGenerator(model, options).Run([prompts[i]], new HashSet<int>(), useCache: false).Select(t => t.Id), cached);
        }
    }

    [Fact]
    public void A_file_gives_the_same_edit_back_and_a_damaged_one_is_refused()
    {
        using IDisposable quiet = no_grad();
        using CausalLm model = TinyModels.Create("llama");
        using SteeringEdit edit = RandomEdit(model, ActivationPlace.Residual);
        string folder = Directory.CreateTempSubdirectory("alm-sea-").FullName, path = Path.Combine(folder, "sea.safetensors");
        try
        {
            var storage = new DiskStorage();
            edit.Save(path, storage, new Dictionary<string, string> { ["demonstrations"] = "40" });
            Tensor ids = randint(1, 16, [2, 7], dtype: ScalarType.Int64);
            edit.ApplyTo(model);
            Tensor expected = Logits(model, ids);
            using (SteeringEdit read = SteeringEdit.Load(path, storage, CPU))
            {
                read.ApplyTo(model);
                Assert.True((Logits(model, ids) - expected).abs().max().ToDouble() < 1e-5);
            }
            byte[] bytes = File.ReadAllBytes(path);
            bytes[^5] ^= 0x40;
            File.WriteAllBytes(path, bytes);
            Assert.Contains("orthonormal", Assert.Throws<InputException>(() => SteeringEdit.Load(path, storage, CPU)).Message, StringComparison.Ordinal);
            using CausalLm other = TinyModels.Create("gemma3_text");
            if (other.Config.HiddenSize != model.Config.HiddenSize)
                Assert.Contains("another model", Assert.Throws<InputException>(() => edit.ApplyTo(other)).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static SteeringEdit RandomEdit(CausalLm model, ActivationPlace place)
    {
        int d = model.Config.HiddenSize;
        manual_seed(5);
        var layers = new Dictionary<int, SpectralProjection>();
        for (int layer = 0; layer < model.Config.Layers; layer++)
        {
            using SpectralSums sums = new(FeatureMap.Identity, d);
            sums.Add(randn(40, d), randn(40, d), randn(40, d));
            using SpectralFit fit = SpectralFit.Of(sums, 0.8, 0.8);
            layers.Add(layer, new SpectralProjection(FeatureMap.Identity, fit.Positive.Vectors.to(ScalarType.Float32), fit.Negative.Vectors.to(ScalarType.Float32)));
        }
        return new SteeringEdit(place, SideCombination.Feature, renormalise: true, layers);
    }

    private static Tensor Logits(CausalLm model, Tensor ids)
    {
        AttentionContext attention = model.CreateAttention((int)ids.size(0), (int)ids.size(1));
        return model.Logits(model.Hidden(ids, attention));
    }
}
