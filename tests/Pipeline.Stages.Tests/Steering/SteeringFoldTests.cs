using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Tests.Models;
using Pipeline.Stages.Tests.Objectives;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Steering;

/// <summary>What can be folded into weights and what cannot, each measured: logits of the edited model against those of the folded one.</summary>
public sealed class SteeringFoldTests(ITestOutputHelper output) : TorchTest
{
    private const int LastLayer = -1;

    [Theory]
    // The MLP's output times one matrix: exact in every family, whatever stands behind the MLP.
    [InlineData("llama", ActivationPlace.Mlp, false, 0, nameof(FoldKind.Exact))]
    [InlineData("qwen2", ActivationPlace.Mlp, false, 1, nameof(FoldKind.Exact))]
    [InlineData("gemma3_text", ActivationPlace.Mlp, false, 2, nameof(FoldKind.Exact))]
    [InlineData("olmo2", ActivationPlace.Mlp, false, 0, nameof(FoldKind.Exact))]
    [InlineData("phi3", ActivationPlace.Mlp, false, 1, nameof(FoldKind.Exact))]
    // Its length given back: exact where a norm stands behind it, and nowhere else.
    [InlineData("gemma2", ActivationPlace.Mlp, true, 0, nameof(FoldKind.Exact))]
    [InlineData("gemma3_text", ActivationPlace.Mlp, true, 1, nameof(FoldKind.Exact))]
    [InlineData("olmo2", ActivationPlace.Mlp, true, 0, nameof(FoldKind.Exact))]
    [InlineData("llama", ActivationPlace.Mlp, true, 0, nameof(FoldKind.None))]
    [InlineData("qwen3", ActivationPlace.Mlp, true, 0, nameof(FoldKind.None))]
    // The residual stream: the most likely token alone, behind the last layer alone.
    [InlineData("llama", ActivationPlace.Residual, true, LastLayer, nameof(FoldKind.MostLikely))]
    [InlineData("llama", ActivationPlace.Residual, false, LastLayer, nameof(FoldKind.MostLikely))]
    [InlineData("gemma3_text", ActivationPlace.Residual, true, LastLayer, nameof(FoldKind.MostLikely))]
    [InlineData("gemma2", ActivationPlace.Residual, true, LastLayer, nameof(FoldKind.MostLikely))]
    [InlineData("llama", ActivationPlace.Residual, true, 0, nameof(FoldKind.None))]
    [InlineData("gemma2", ActivationPlace.Residual, false, 0, nameof(FoldKind.None))]
    public void Folding_is_as_exact_as_it_says(string name, ActivationPlace place, bool renormalise, int layer, string expectedName)
    {
        FoldKind expected = Enum.Parse<FoldKind>(expectedName);
        using IDisposable quiet = no_grad();
        using CausalLm edited = TinyModels.Create(name), folded = TinyModels.Create(name);
        int at = layer < 0 ? edited.Config.Layers + layer : layer;
        using SteeringEdit edit = Edit(edited, place, renormalise, at);
        Assert.Equal(expected, SteeringFold.Of(edit, edited.Config).Kind);
        Tensor ids = randint(1, 16, [3, 9], dtype: ScalarType.Int64), plain = Logits(edited, ids);
        edit.ApplyTo(edited);
        Tensor wanted = Logits(edited, ids);
        Assert.True((wanted - plain).abs().max().ToDouble() > 1e-2, "the edit changes nothing, so the fold proves nothing");
        if (expected == FoldKind.None)
        {
            Assert.Contains("cannot be folded", Assert.Throws<InputException>(() => SteeringFold.Apply(edit, folded)).Message, StringComparison.Ordinal);
            // Nor does folding the matrix alone give it: it is another method.
            double off = place == ActivationPlace.Mlp ? Off(wanted, Plainly(edit, folded, at, ids)) : double.NaN;
            output.WriteLine($"{name} {place} layer {at}: not folded; the matrix alone is off by {off:g3}");
            Assert.False(off < 1e-3);
            return;
        }

        SteeringFold.Apply(edit, folded);
        Tensor found = Logits(folded, ids);
        output.WriteLine($"{name} {place} layer {at} renormalise {renormalise}: {expected}, off by {Off(wanted, found):g3}");
        if (expected == FoldKind.Exact)
        {
            Assert.True(Off(wanted, found) < (renormalise ? 1e-3 : 1e-4), $"off by {Off(wanted, found):g3}");
            return;
        }
        Assert.True(Off(wanted, found) > 1e-3, "probabilities were to differ");
        Assert.True(found.argmax(-1).eq(wanted.argmax(-1)).all().item<bool>());
        // One temperature for each token, of which softcaps leave the order alone.
        if (edited.Config.FinalSoftcap is null)
        {
            Tensor factor = found.norm(-1, keepdim: true) / wanted.norm(-1, keepdim: true);
            Assert.True((found - (wanted * factor)).abs().max().ToDouble() < 1e-4);
            Assert.True((factor - 1).abs().max().ToDouble() > 1e-3);
        }
    }

    [Fact]
    public void A_map_that_is_not_linear_and_several_last_layers_are_not_folded()
    {
        using CausalLm model = TinyModels.Create("llama");
        using SteeringEdit map = Edit(model, ActivationPlace.Mlp, false, 0, FeatureMap.Tanh), both = Edit(model, ActivationPlace.Residual, true, 0, also: 1);
        Assert.Equal(FoldKind.None, SteeringFold.Of(map, model.Config).Kind);
        Assert.Equal(FoldKind.None, SteeringFold.Of(both, model.Config).Kind);
    }

    private static double Off(Tensor a, Tensor b) => (a - b).abs().max().ToDouble();

    private static Tensor Plainly(SteeringEdit edit, CausalLm model, int layer, Tensor ids)
    {
        SpectralProjection projection = edit.Layers[layer];
        Tensor p = (projection.KeepMatrix() + projection.DropMatrix()).to(ScalarType.Float64);
        model.ChangeWeight($"model.layers.{layer}.mlp.down_proj.weight", w => p.mm(w));
        if (model.Config.MlpBias)
            model.ChangeWeight($"model.layers.{layer}.mlp.down_proj.bias", b => p.mv(b));
        return Logits(model, ids);
    }

    private static SteeringEdit Edit(CausalLm model, ActivationPlace place, bool renormalise, int layer, FeatureMap map = FeatureMap.Identity, int? also = null)
    {
        int d = model.Config.HiddenSize;
        manual_seed(5);
        Tensor Basis() => linalg.qr(randn([d, d / 3], ScalarType.Float64), linalg.QRMode.Reduced).Q.to(ScalarType.Float32);
        var layers = new[] { layer, also ?? layer }.Distinct().ToDictionary(l => l, _ => new SpectralProjection(map, Basis(), Basis()));
        return new SteeringEdit(place, SideCombination.Feature, renormalise, layers);
    }

    private static Tensor Logits(CausalLm model, Tensor ids)
    {
        AttentionContext attention = model.CreateAttention((int)ids.size(0), (int)ids.size(1));
        return model.Logits(model.Hidden(ids, attention));
    }
}
