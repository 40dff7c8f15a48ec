using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Objectives.Combine;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Objectives;

public sealed class CombineTests(ITestOutputHelper output) : TorchTest
{
    private static readonly string[] Last = ["last.b", "last.w"], All = ["last.b", "last.w", "other.emb", "other.u"];

    [Theory]
    [InlineData("sum", nameof(CombineRule.Fixed), false, false, 4)]
    [InlineData("gradmag_sum", nameof(CombineRule.Gradmag), false, false, 4)]
    [InlineData("gradclip_1_sum", nameof(CombineRule.Clip), false, false, 4)]
    [InlineData("gradclip_10_sum", nameof(CombineRule.Clip), false, false, 4)]
    [InlineData("pcgrad_sum", nameof(CombineRule.Fixed), false, true, 4)]
    [InlineData("pcgrad_then_gradmag_sum", nameof(CombineRule.Gradmag), false, true, 4)]
    [InlineData("approx_gradmag", nameof(CombineRule.Gradmag), false, false, 2)]
    [InlineData("approx_gradmag_preserve_mag", nameof(CombineRule.Gradmag), true, false, 2)]
    public void Combined_gradients_are_the_references(string name, string ruleName, bool normalize, bool pcgrad, int normed)
    {
        CombineRule rule = Enum.Parse<CombineRule>(ruleName);
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        SafetensorsReader golden = GoldenFolder.Tensors("losses/multitask.safetensors");
        var options = new CombineOptions { Rule = rule, Normalize = normalize, Pcgrad = pcgrad, ClipNorm = name == "gradclip_10_sum" ? 10 : 1 };
        Tensor[][] gradients = [.. Enumerable.Range(0, 3).Select(k => All.Select(p => golden.Doubles($"task_grads.{p}").select(0, k)).ToArray())];
        double[] losses = Array.ConvertAll(golden.Floats("loss_values"), x => (double)x);
        CombinedGradient combined = GradientCombination.Combine(GradientCombination.Create(options, 3), losses, [1, 1, 1], gradients, normed);
        for (int p = 0; p < All.Length; p++)
            AlmGoldenTests.AssertGradient(golden.Floats($"{name}.{All[p]}"), combined.Gradients_P[p].flatten(), 1e-5, $"{name} {All[p]}");
        if (!pcgrad)
        {
            float[] norms = golden.Floats(normed == Last.Length ? "global_norm.last" : "global_norm.all");
            for (int k = 0; k < 3; k++)
                DivergenceTests.AssertClose(norms[k], combined.Norms[k], 1e-6, $"{name} norm {k}");
        }
        if (golden.Has($"{name}.loss"))
            DivergenceTests.AssertClose(golden.Floats($"{name}.loss")[0], losses.Zip(combined.Weights, (l, w) => l * w).Sum(), 1e-5, $"{name} loss");
    }

    [Fact]
    public void GradNorm_follows_the_references_weights_across_a_save_and_a_restore()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        JsonElement golden = GoldenFolder.Json("losses/gradnorm.json");
        double alpha = golden.GetProperty("alpha").GetDouble(), rate = golden.GetProperty("lr").GetDouble();
        var rule = new GradNorm(alpha, rate, 3);
        double[]? first = null;
        foreach (JsonElement step in golden.GetProperty("steps").EnumerateArray())
        {
            double[] losses = step.GetProperty("loss_values").Numbers(), norms = step.GetProperty("approx_grad_norm").Numbers();
            first ??= losses;
            double[] gradient = GradNorm.WeightGradient(step.GetProperty("weights_used").Numbers(), losses, norms, first, alpha);
            AssertEqual(step.GetProperty("weight_grad").Numbers(), gradient, "weight gradient");
            AssertEqual(step.GetProperty("weights_used").Numbers(), rule.Weights(losses, norms), "weights");
            var restored = new GradNorm(alpha, rate, 3);
            restored.RestoreState(rule.SaveState());
            rule = restored;
            AssertEqual(step.GetProperty("weights_after").Numbers(), rule.SaveState()[1..4], "weights after");
        }
    }

    [Fact]
    public void Gradmag_gives_every_objective_the_same_norm_and_keeps_preferences()
    {
        Tensor[][] gradients = [[tensor(new float[] { 3, 4 })], [tensor(new float[] { 0.03f, -0.04f })]];
        var rule = GradientCombination.Create(new CombineOptions(), 2);
        CombinedGradient combined = GradientCombination.Combine(rule, [1, 1], [1, 3], gradients, 1);
        Assert.Equal(3 * 5 * combined.Weights[0], 0.05 * combined.Weights[1], 1e-4);
        Assert.Equal(1, combined.Weights[0] + combined.Weights[1] / 3, 1e-9);
    }

    [Fact]
    public void An_objective_without_gradient_takes_no_weight_from_the_others()
    {
        Tensor[][] gradients = [[tensor(new float[] { 3, 4 })], [tensor(new float[] { 0, 0 })]];
        CombinedGradient combined = GradientCombination.Combine(GradientCombination.Create(new CombineOptions(), 2), [1, 0], [1, 1], gradients, 1);
        Assert.Equal([1, 0], combined.Weights);
        Assert.Equal([3f, 4f], combined.Gradients_P[0].cpu().data<float>().ToArray());
    }

    [Fact]
    public void Projected_gradients_no_longer_conflict()
    {
        var random = new Random(5);
        float[] Draw() => [.. Enumerable.Range(0, 6).Select(_ => (float)(random.NextDouble() - 0.5))];
        for (int trial = 0; trial < 50; trial++)
        {
            Tensor a = tensor(Draw()), b = tensor(Draw());
            var projected = Pcgrad.Project([[a], [b]]);
            Assert.True((projected[0][0] * b).sum().item<float>() >= -1e-6);
            Assert.True((projected[1][0] * a).sum().item<float>() >= -1e-6);
            if ((a * b).sum().item<float>() >= 0)
                Assert.Equal(a.cpu().data<float>().ToArray(), projected[0][0].cpu().data<float>().ToArray());
        }
    }

    [Fact]
    public void Gradnorm_on_projected_gradients_is_refused()
        => Assert.Throws<DefinitionException>(() => GradientCombination.Create(new CombineOptions { Rule = CombineRule.Gradnorm, Pcgrad = true }, 2));

    private static void AssertEqual(double[] expected, double[] actual, string what)
    {
        for (int i = 0; i < expected.Length; i++)
            DivergenceTests.AssertClose(expected[i], actual[i], 1e-6, $"{what} {i}");
    }
}
