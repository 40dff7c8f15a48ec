using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Models;
using Pipeline.Stages.Steering;
using Pipeline.Stages.SteeringFits;
using Pipeline.Stages.Tests.Evaluation;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.SteeringFits;

/// <summary>Sums and projections of the stages against demonstrations taken one by one, plainly.</summary>
[Collection(TorchCollection.Name)]
public sealed class FitSeaTests : IDisposable
{
    private static readonly (string Prompt, string Positive, string Negative, string Own)[] s_texts =
        [.. Enumerable.Range(0, 11).Select(i => ($"{i} apples and {i * i}", $" are {i + 1}.", $" are not {new string('x', i % 4)}!", $" hm {i}"))];

    private readonly StageHarness _run = new();
    private readonly TorchDevice _device = TestDevice.Create();

    public FitSeaTests()
    {
        _run.Add(_device);
        _run.Add(new TokenizerStore(_run.Storage));
        ByteModels.Save(_run.PathOf("model"), 3, _run.Storage);
    }

    public void Dispose()
    {
        _device.Dispose();
        _run.Dispose();
    }

    [Theory]
    [InlineData(nameof(BaseChoice.Prompt), ActivationPlace.Residual, nameof(FeatureMap.Identity))]
    [InlineData(nameof(BaseChoice.Greedy), ActivationPlace.Residual, nameof(FeatureMap.Identity))]
    [InlineData(nameof(BaseChoice.Column), ActivationPlace.Mlp, nameof(FeatureMap.Tanh))]
    public async Task Sums_are_those_of_demonstrations_one_by_one(string choiceName, ActivationPlace place, string mapName)
    {
        FeatureMap map = Enum.Parse<FeatureMap>(mapName);
        BaseChoice choice = Enum.Parse<BaseChoice>(choiceName);
        FitSeaOptions options = Options() with { Base = choice, Place = place, Map = map, MaxNewTokens = 5, BatchTokens = 70 };
        await FitAsync(options);

        using DisposeScope scope = NewDisposeScope();
        var folder = new SumsFolder(_run.Storage, _run.PathOf(options.To));
        IReadOnlyList<SumsHeader> headers = folder.Read();
        Assert.Equal((11L, 2), (headers.Sum(h => h.Demonstrations), headers[0].Layers.Count));
        using CausalLm model = CausalLm.Load(_run.PathOf("model"), _run.Storage, CPU, ScalarType.Float32);
        for (int layer = 0; layer < 2; layer++)
        {
            Tensor own = Rows(model, place, layer, t => choice == BaseChoice.Greedy ? Fed(model, t.Prompt, 5) : Ids(t.Prompt + (choice == BaseChoice.Column ? t.Own : "")));
            Tensor positive = Rows(model, place, layer, t => Ids(t.Prompt + t.Positive)), negative = Rows(model, place, layer, t => Ids(t.Prompt + t.Negative));
            Tensor Map(Tensor x) => map == FeatureMap.Tanh ? x.tanh() : x;
            (SpectralSums sums, Tensor sample) = folder.Load(headers, layer);
            Close(Map(own).transpose(0, 1).mm(Map(positive)), sums.Positive);
            Close(Map(own).transpose(0, 1).mm(Map(negative)), sums.Negative);
            Close(positive.sum(dim: 0), sums.PositiveTotal);
            Close(negative.sum(dim: 0), sums.NegativeTotal);
            Close(own, sample.to(ScalarType.Float64));
            sums.Dispose();
            sample.Dispose();
        }
    }

    [Fact]
    public async Task Parts_add_up_and_what_was_made_from_something_else_is_refused_by_name()
    {
        await FitAsync(Options() with { To = "whole" });
        await FitAsync(Options() with { To = "parts", Count = 3 });
        using DisposeScope scope = NewDisposeScope();
        var whole = new SumsFolder(_run.Storage, _run.PathOf("whole"));
        var parts = new SumsFolder(_run.Storage, _run.PathOf("parts"));
        Assert.Equal([3L, 4, 4], parts.Read().Select(h => h.Demonstrations));
        (SpectralSums one, Tensor _) = whole.Load(whole.Read(), 1);
        (SpectralSums three, Tensor sample) = parts.Load(parts.Read(), 1);
        Close(one.Positive, three.Positive);
        Close(one.NegativeTotal, three.NegativeTotal);
        Assert.Equal((11L, 11L, 11L), (one.Count, three.Count, sample.size(0)));

        using FitSeaSink same = Made.FitSea(Options() with { To = "parts", Count = 3 }, Context());
        Assert.True(same.IsCommitted(2));
        InputException other = Assert.Throws<InputException>(() => Made.FitSea(Options() with { To = "parts", Count = 3, Base = BaseChoice.Greedy }, Context()).IsCommitted(2));
        Assert.Contains("base is 'prompt', expected 'greedy", other.Message, StringComparison.Ordinal);

        File.Delete(_run.PathOf("parts/sums-00001-of-00003.safetensors"));
        Assert.Contains("2 of 3 parts", (await Assert.ThrowsAsync<InputException>(() => ProjectAsync(new(), "parts"))).Message, StringComparison.Ordinal);
        byte[] bytes = File.ReadAllBytes(_run.PathOf("whole/sums-00000-of-00001.safetensors"));
        bytes[^9] ^= 1;
        File.WriteAllBytes(_run.PathOf("whole/sums-00000-of-00001.safetensors"), bytes);
        await Assert.ThrowsAsync<DamagedException>(() => ProjectAsync(new(), "whole"));
    }

    [Fact]
    public async Task Projections_are_those_of_the_sums_and_controls_are_what_they_say()
    {
        await FitAsync(Options());
        await ProjectAsync(new() { To = "edit", Keep = 0.9999, Drop = 0.99999 });
        await ProjectAsync(new() { To = "exchanged", Keep = 0.9999, Drop = 0.99999, Control = ControlKind.Exchanged });
        await ProjectAsync(new() { To = "random", Keep = 0.9999, Drop = 0.99999, Control = ControlKind.Random });
        await ProjectAsync(new() { To = "ranks", KeepRank = 2, DropRank = 3 }, layers: [-1]);

        using DisposeScope scope = NewDisposeScope();
        var folder = new SumsFolder(_run.Storage, _run.PathOf("sums"));
        using SteeringEdit edit = Load("edit"), exchanged = Load("exchanged"), random = Load("random"), ranks = Load("ranks");
        Assert.Equal([0, 1], edit.Layers.Keys);
        Assert.Equal([1], ranks.Layers.Keys);
        Assert.Equal((2L, 3L), (ranks.Layers[1].Positive.size(1), ranks.Layers[1].Negative.size(1)));
        (SpectralSums sums, Tensor sample) = folder.Load(folder.Read(), 1);
        using SpectralFit fit = SpectralFit.Of(sums, 0.9999, 0.99999);
        SpectralProjection projection = edit.Layers[1];
        Near(fit.Projection.KeepMatrix(), projection.KeepMatrix(), 1e-6);
        Near(fit.Projection.DropMatrix(), projection.DropMatrix(), 1e-6);
        Near(fit.Negative.Vectors.mm(fit.Negative.Vectors.transpose(0, 1)), exchanged.Layers[1].KeepMatrix(), 1e-6);
        Assert.Equal(projection.Positive.shape, random.Layers[1].Positive.shape);
        Assert.True((random.Layers[1].KeepMatrix() - projection.KeepMatrix()).abs().max().ToDouble() > 0.01);

        JsonElement report = JsonDocument.Parse(File.ReadAllBytes(_run.PathOf("edit/sea.json"))).RootElement[1];
        // P = P+ + P-, so hP - h by the matrices, row by row.
        Tensor h = sample.to(ScalarType.Float64), p = fit.Projection.KeepMatrix() + fit.Projection.DropMatrix();
        double strength = ((h.mm(p) - h).norm(-1) / h.norm(-1)).mean().ToDouble();
        Assert.Equal(strength, report.GetProperty("strength").GetDouble(), 1e-5);
        Assert.Equal(fit.LargestAngle(), report.GetProperty("angle").GetDouble(), 1e-5);
        Assert.Equal((fit.Positive.Rank, fit.Negative.Rank), (report.GetProperty("keepRank").GetInt32(), report.GetProperty("dropRank").GetInt32()));
        Assert.Equal(LayerSignature.Of(sums).Contrast, report.GetProperty("contrast").GetDouble(), 1e-12);
        sums.Dispose();
    }

    [Fact]
    public async Task An_edit_that_does_nothing_is_warned_of()
    {
        await FitAsync(Options());
        await ProjectAsync(new() { Keep = 1, Drop = 1 });
        Assert.Equal(2, _run.Said.Count(line => line.StartsWith("warning: sea: the edit of layer", StringComparison.Ordinal)));
        Assert.Contains("layers", (await Assert.ThrowsAsync<DefinitionException>(() => ProjectAsync(new(), layers: [7]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_with_an_edit_of_its_own_is_not_fitted_again()
    {
        await FitAsync(Options());
        await ProjectAsync(new() { To = "edit" });
        File.Copy(_run.PathOf("edit/sea.safetensors"), _run.PathOf("model/sea.safetensors"));
        Assert.Contains("edit of its own", (await Assert.ThrowsAsync<InputException>(() => FitAsync(Options() with { To = "again" }))).Message, StringComparison.Ordinal);
    }

    private static FitSeaOptions Options() => new() { To = "sums", Model = "run:model", Base = BaseChoice.Prompt };

    private StageContext Context(Partition? partition = null) => _run.Context(partition) with { Fingerprint = () => new Dictionary<string, string> { ["input"] = "these" } };

    private async Task FitAsync(FitSeaOptions options)
    {
        for (int part = 0; part < options.Count; part++)
        {
            using FitSeaSink stage = Made.FitSea(options, Context(new Partition(part, options.Count)));
            (int from, int to) = (s_texts.Length * part / options.Count, s_texts.Length * (part + 1) / options.Count);
            await stage.RunAsync(s_texts[from..to].Select((t, i) => new Demonstration(new TextDocument(new DocumentId(1, from + i, 0), t.Prompt), t.Positive, t.Negative, t.Own)).ToAsyncEnumerable(), default);
            stage.Commit();
        }
    }

    private Task ProjectAsync(ProjectSeaOptions options, string from = "sums", IReadOnlyList<int>? layers = null)
        => Made.ProjectSea(options, Context()).RunAsync(Made.ReadSeaSums(new() { From = "run:" + from, Layers = layers }, Context()).ReadAsync(default), default);

    private SteeringEdit Load(string name) => SteeringEdit.Load(_run.PathOf($"{name}/sea.safetensors"), _run.Storage, CPU);

    private static int[] Ids(string text) => [256, .. System.Text.Encoding.UTF8.GetBytes(text).Select(b => (int)b)];

    // The whole row again for every token, and the last one not fed.
    private static int[] Fed(CausalLm model, string prompt, int most)
    {
        List<int> ids = [.. Ids(prompt)];
        for (int step = 0; step < most; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            int next = (int)model.Logits(model.Hidden(tensor([.. ids.Select(i => (long)i)]).unsqueeze(0), model.CreateAttention(1, ids.Count)))[0, ids.Count - 1].narrow(0, 0, 259).argmax().ToInt64();
            ids.Add(next);
            if (next == 257)
                break;
        }
        return [.. ids.SkipLast(1)];
    }

    private static Tensor Rows(CausalLm model, ActivationPlace place, int layer, Func<(string Prompt, string Positive, string Negative, string Own), int[]> ids)
        => stack([.. s_texts.Select(t => Activation(model, place, layer, ids(t)))]).to(ScalarType.Float64);

    // Without any hook: the MLP's output is what the layer adds last.
    private static Tensor Activation(CausalLm model, ActivationPlace place, int layer, int[] ids)
    {
        using IDisposable quiet = no_grad();
        List<Tensor> states = [];
        Tensor embedded = model.Embed(tensor([.. ids.Select(i => (long)i)]).unsqueeze(0));
        AttentionContext attention = model.CreateAttention(1, ids.Length);
        model.RunLayers(embedded, 0, 2, attention, collectHidden: states);
        Tensor output = states[layer][0, ids.Length - 1];
        if (place == ActivationPlace.Residual)
            return output;
        // The stream before the MLP is what a layer gives whose MLP is taken away.
        model.SetEdit(layer, ActivationPlace.Mlp, hidden => zeros_like(hidden));
        List<Tensor> without = [];
        model.RunLayers(embedded, 0, 2, model.CreateAttention(1, ids.Length), collectHidden: without);
        model.SetEdit(layer, ActivationPlace.Mlp, null);
        return output - without[layer][0, ids.Length - 1];
    }

    private static void Close(Tensor expected, Tensor found) => Near(expected, found, 1e-4 * Math.Max(1, expected.abs().max().ToDouble()));

    private static void Near(Tensor expected, Tensor found, double tolerance)
    {
        Assert.Equal(expected.shape, found.shape);
        double worst = (expected.to(ScalarType.Float64) - found.to(ScalarType.Float64)).abs().max().ToDouble();
        Assert.True(worst <= tolerance, $"off by {worst:g3}, allowed {tolerance:g3}");
    }
}
