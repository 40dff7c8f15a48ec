using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Torch;

[Collection(TorchCollection.Name)]
public sealed class LinearTests
{
    [Fact]
    public void The_product_of_oneDNN_and_its_gradients_are_those_of_torch()
    {
        using DisposeScope scope = NewDisposeScope();
        // A large block and a small one for oneDNN, and a rest.
        Tensor x = randn(1600, 24), w = randn(19, 24), by = randn(1600, 19);
        (Tensor Y, Tensor X, Tensor W) Run(Func<Tensor, Tensor, Tensor> product)
        {
            Tensor ownX = x.clone().requires_grad_(true), ownW = w.clone().requires_grad_(true), y = product(ownX, ownW);
            BackwardFailure.Run(() => y.backward([by]));
            return (y.detach(), ownX.grad!, ownW.grad!);
        }
        (Tensor expected, Tensor expectedX, Tensor expectedW) = Run((a, b) => a.mm(b.t()));
        (Tensor found, Tensor foundX, Tensor foundW) = Run(Linear.ByOneDnn);
        Assert.True(found.allclose(expected, 1e-5, 1e-5));
        Assert.True(foundX.allclose(expectedX, 1e-5, 1e-5));
        Assert.True(foundW.allclose(expectedW, 1e-4, 1e-4));
        Assert.True(TorchScripts.Linear(x, w).allclose(expected, 1e-5, 1e-5));
        // The script's executor adapts itself to its first runs, and the bits must not change.
        for (int i = 0; i < 4; i++)
        {
            (Tensor again, Tensor againX, Tensor againW) = Run(Linear.ByOneDnn);
            Assert.Equal(found.data<float>().ToArray(), again.data<float>().ToArray());
            Assert.Equal(foundX.data<float>().ToArray(), againX.data<float>().ToArray());
            Assert.Equal(foundW.data<float>().ToArray(), againW.data<float>().ToArray());
        }
    }

    [Fact]
    public void A_frozen_side_gets_no_gradient()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(515, 7).requires_grad_(true), w = randn(3, 7);
        BackwardFailure.Run(() => Linear.ByOneDnn(x, w).sum().backward());
        Assert.True(x.grad!.allclose(ones(515, 3).mm(w), 1e-5, 1e-5));
        Assert.Null(w.grad);
    }

    // Large enough that a processor with AVX-512 from AMD takes the other way, in several blocks of the head's rows.
    [Theory]
    [InlineData(600, 64, 5000)]
    [InlineData(3, 8, 11)]
    public void Every_product_of_a_head_is_torchs(long positions, long width, long rows)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(positions, width), w = randn(rows, width), g = randn(positions, rows), sum = randn(rows, width), expected = sum + g.t().mm(x);
        Assert.True(Linear.Into(empty(positions, rows), x, w).allclose(x.mm(w.t()), 1e-4, 1e-4));
        Assert.True(Linear.ByInput(g, w).allclose(g.mm(w), 1e-3, 1e-3));
        Linear.AddByWeight(sum, g, x);
        Assert.True(sum.allclose(expected, 1e-3, 1e-3));
        Tensor bias = randn(rows);
        Assert.True(Linear.Apply(x.view(1, positions, width), w, bias).allclose(nn.functional.linear(x, w, bias).unsqueeze(0), 1e-4, 1e-4));
    }
}
