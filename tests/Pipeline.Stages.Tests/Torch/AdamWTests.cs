using Pipeline.Contracts.Errors;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Pipeline.Stages.Tests.Torch;

[Collection(TorchCollection.Name)]
public sealed class AdamWTests
{
    [Fact]
    public void Steps_are_those_of_the_rule_written_out()
    {
        using DisposeScope scope = NewDisposeScope();
        Random random = new(3);
        double[] p = [.. Enumerable.Range(0, 50).Select(_ => random.NextDouble() - 0.5)], m = new double[50], v = new double[50];
        Parameter parameter = new(tensor(p, dtype: ScalarType.Float32)), still = new(ones(3));
        using AdamW optimizer = new([new ParameterGroup([("p", parameter), ("still", still)], 0.01, 0.1)], new AdamWOptions(0.9, 0.95, 1e-6));
        for (int step = 1; step <= 20; step++)
        {
            double[] g = [.. p.Select(_ => random.NextDouble() - 0.5)];
            parameter.grad = tensor(g, dtype: ScalarType.Float32);
            optimizer.Step(0.5);
            for (int i = 0; i < p.Length; i++)
            {
                m[i] = 0.9 * m[i] + 0.1 * g[i];
                v[i] = 0.95 * v[i] + 0.05 * g[i] * g[i];
                p[i] -= 0.005 * 0.1 * p[i];
                p[i] -= 0.005 * (m[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, step))) + 1e-6);
            }
        }

        float[] found = parameter.data<float>().ToArray();
        for (int i = 0; i < p.Length; i++)
            Assert.Equal(p[i], found[i], 1e-5);
        Assert.All(still.data<float>().ToArray(), value => Assert.Equal(1f, value));
    }

    [Fact]
    public void Restored_state_goes_on_with_the_same_bits()
    {
        using DisposeScope scope = NewDisposeScope();
        float[] Run(bool restore)
        {
            Parameter parameter = new(arange(100, dtype: ScalarType.Float32) / 100);
            AdamW optimizer = new([new ParameterGroup([("p", parameter)], 0.01, 0)]);
            for (int step = 0; step < 6; step++)
            {
                if (restore && step == 3)
                {
                    AdamW next = new(optimizer.Groups);
                    next.State = [.. optimizer.State.Select(entry => (entry.Name, entry.Tensor.clone()))];
                    optimizer.Dispose();
                    optimizer = next;
                }

                parameter.grad = (parameter.detach() * (step + 1)).sin();
                optimizer.Step(1);
            }

            return parameter.data<float>().ToArray();
        }

        Assert.Equal(Run(restore: false), Run(restore: true));
    }

    [Fact]
    public void Every_misfit_of_a_state_is_named()
    {
        using DisposeScope scope = NewDisposeScope();
        using AdamW optimizer = new([new ParameterGroup([("p", new Parameter(ones(4)))], 0.01, 0)]);
        InputException error = Assert.Throws<InputException>(() => optimizer.State = [("p.exp_avg", ones(4)), ("p.exp_avg_sq", ones(5)), ("q.step", ones(1))]);
        Assert.Contains("p.step is missing", error.Message);
        Assert.Contains("p.exp_avg_sq is [5], expected [4]", error.Message);
        Assert.Contains("q.step belongs to no parameter", error.Message);
    }

    [Fact]
    public void A_parameter_in_two_groups_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        ParameterGroup group = new([("p", new Parameter(ones(4)))], 0.01, 0);
        Assert.Contains("p", Assert.Throws<ArgumentException>(() => new AdamW([group, group])).Message);
    }

    [Fact]
    public void Clipping_scales_all_gradients_to_one_global_norm()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter a = new(zeros(2)), b = new(zeros(1)), none = new(zeros(1));
        a.grad = tensor(new[] { 3f, 0f });
        b.grad = tensor(new[] { 4f });
        Assert.Equal(5, GradClip.Apply([a, b, none], double.PositiveInfinity), 1e-6);
        Assert.Equal(4f, b.grad!.item<float>());
        Assert.Equal(5, GradClip.Apply([a, b, none], 1), 1e-6);
        Assert.Equal(0.8, b.grad!.item<float>(), 1e-5);
        Assert.Equal(0.6, a.grad!.data<float>()[0], 1e-5);
    }

    [Fact]
    public void A_norm_that_is_not_finite_scales_nothing()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter a = new(zeros(2));
        a.grad = tensor(new[] { float.NaN, 1f });
        Assert.True(double.IsNaN(GradClip.Apply([a], 1)));
        Assert.Equal(1f, a.grad!.data<float>()[1]);
    }

    [Fact]
    public void Forgotten_gradients_are_gone()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter a = new(zeros(2));
        using AdamW optimizer = new([new ParameterGroup([("a", a)], 1, 0)]);
        a.grad = ones(2);
        optimizer.ZeroGradients();
        Assert.Null(a.grad);
    }
}
