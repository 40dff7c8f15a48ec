using System.Text.Json;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Tests.Objectives;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Steering;

/// <summary>Fits, edits and scores of the reference, for every case of the folder <c>golden/sea</c>.</summary>
public sealed class SeaGoldenTests(ITestOutputHelper output) : TorchTest
{
    [Fact]
    public void Every_fit_has_the_references_sums_ranks_and_projections()
        => EachEntry((golden, map, share, layer, entry) =>
        {
            string what = $"{golden.Name}: {map.Name} K={share} layer {layer}";
            using SpectralSums sums = golden.Sums(map.Map, layer);
            if (golden.Tensors.Has($"{map.Name}.layer{layer}.A_pos.f64"))
            {
                Close(golden.Tensors.Doubles($"{map.Name}.layer{layer}.A_pos.f64"), sums.Positive / (double)sums.Count, 1e-9, $"{what}: A+");
                Close(golden.Tensors.Doubles($"{map.Name}.layer{layer}.A_neg.f64"), sums.Negative / (double)sums.Count, 1e-9, $"{what}: A-");
            }
            using SpectralFit fit = SpectralFit.Of(sums, SeaGolden.Number(share), SeaGolden.Number(share));
            Side(entry.GetProperty("pos"), fit.Positive, $"{what}: positive");
            Side(entry.GetProperty("neg"), fit.Negative, $"{what}: negative");
            SpectralProjection projection = fit.Projection;
            Close(golden.Tensors.Doubles($"{SeaGolden.Key(map, share, layer)}.P_pos.f64"), projection.KeepMatrix(), 1e-9, $"{what}: P+");
            Close(golden.Tensors.Doubles($"{SeaGolden.Key(map, share, layer)}.P_neg.f64"), projection.DropMatrix(), 1e-9, $"{what}: P-");
            Assert.True(Math.Abs(entry.GetProperty("signature").Number() - LayerSignature.Of(sums).Signature) <= 1e-9, $"{what}: signature");
        });

    [Fact]
    public void Every_edit_has_the_references_activations()
        => EachEntry((golden, map, share, layer, _) =>
        {
            using SpectralSums sums = golden.Sums(map.Map, layer);
            using SpectralFit fit = SpectralFit.Of(sums, SeaGolden.Number(share), SeaGolden.Number(share));
            Tensor hidden = golden.Layer("hidden", layer);
            foreach ((string name, SideCombination combination) in new[] { ("feature", SideCombination.Feature), ("separate", SideCombination.Separate) })
            {
                string key = $"{SeaGolden.Key(map, share, layer)}.{name}";
                Close(golden.Tensors.Doubles($"{key}.f64"), fit.Projection.Edit(hidden, combination), 1e-9, key);
                Tensor narrow = fit.Projection.Edit(hidden.to(ScalarType.Float32), combination);
                Assert.Equal(ScalarType.Float32, narrow.dtype);
                Close(golden.Tensors.Doubles($"{key}.f32"), narrow.to(ScalarType.Float64), map.Map == FeatureMap.Tanh ? 1e-4 : 1e-5, key);
            }
        });

    [Fact]
    public void Every_question_has_the_references_scores()
    {
        if (SharedFolder.Below(Path.Combine("golden", "sea", "mc.json"), output) is not { } path)
            return;
        int questions = 0;
        foreach (JsonElement question in JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.EnumerateArray())
        {
            MultipleChoice scores = MultipleChoice.Of(question.GetProperty("scores_true").Numbers(), question.GetProperty("scores_false").Numbers(), question.GetProperty("best").GetInt32());
            Assert.Equal(question.GetProperty("MC1").Number(), scores.Mc1);
            Assert.Equal(question.GetProperty("MC2").Number(), scores.Mc2, 1e-9);
            Assert.Equal(question.GetProperty("MC3").Number(), scores.Mc3, 1e-12);
            questions++;
        }
        Assert.NotEqual(0, questions);
    }

    private void EachEntry(Action<SeaGolden, (string Name, FeatureMap Map), string, int, JsonElement> check)
    {
        if (SharedFolder.Below(Path.Combine("golden", "sea"), output) is not { } folder)
            return;
        int entries = 0;
        foreach (string path in Directory.GetFiles(folder, "*.safetensors").Order(StringComparer.Ordinal))
        {
            var golden = new SeaGolden(path);
            foreach (JsonElement entry in golden.Entries)
            {
                using DisposeScope scope = NewDisposeScope();
                check(golden, SeaGolden.MapOf(entry.GetProperty("feature").GetString()!), entry.GetProperty("K").GetRawText(), entry.GetProperty("layer").GetInt32(), entry);
                entries++;
            }
        }
        output.WriteLine($"{entries} fits");
        Assert.NotEqual(0, entries);
    }

    private static void Side(JsonElement expected, SpectralSide found, string what)
    {
        Assert.True(expected.GetProperty("k").GetInt32() == found.Rank, $"{what}: rank {found.Rank}, expected {expected.GetProperty("k")}");
        double[] values = expected.GetProperty("singular_values").Numbers();
        Close(tensor(values), tensor(found.SingularValues), 1e-9 * Math.Max(1, values[0]), $"{what}: singular values");
        if (found.Rank == expected.GetProperty("k_reference").GetInt32())
            Assert.Equal(expected.GetProperty("gap_after_k").Number(), found.GapAfter, 1e-9);
    }

    private static void Close(Tensor expected, Tensor found, double tolerance, string what)
    {
        Assert.Equal(expected.shape, found.shape);
        double worst = (expected - found).abs().max().ToDouble();
        Assert.True(worst <= tolerance, $"{what}: off by {worst:g3}, allowed {tolerance:g3}");
    }
}
