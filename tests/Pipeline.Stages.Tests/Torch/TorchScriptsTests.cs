using Pipeline.Contracts.Errors;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Torch;

/// <summary>A mistake in a script ends the process at its first use, so every one is run here.</summary>
[Collection(TorchCollection.Name)]
public sealed class TorchScriptsTests
{
    [Fact]
    public void Gradients_are_those_of_autograd_and_zeros_where_there_are_none_and_the_graph_is_kept_when_asked()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(5, 7).requires_grad_(true), w = randn(7, 3).requires_grad_(true), unused = randn(4).requires_grad_(true);
        Tensor loss = matmul(x, w).tanh().pow(2).sum();
        // More than once, since the executor adapts itself to its first runs.
        for (int i = 0; i < 4; i++)
        {
            IList<Tensor> expected = autograd.grad([loss], [x, w], retain_graph: true);
            Tensor[] found = TorchScripts.Gradients(loss, [x, w, unused], retain: true);
            Assert.Equal(expected[0].data<float>().ToArray(), found[0].data<float>().ToArray());
            Assert.Equal(expected[1].data<float>().ToArray(), found[1].data<float>().ToArray());
            Assert.Equal(new float[4], found[2].data<float>().ToArray());
            Assert.All(found, g => Assert.False(g.requires_grad));
        }
        TorchScripts.Gradients(loss, [x], retain: false);
        // The graph is gone: torch throws, and the process goes on.
        Assert.Contains("backward through the graph a second time", Assert.ThrowsAny<System.Runtime.InteropServices.ExternalException>(() => TorchScripts.Gradients(loss, [x], retain: false)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_torch_throws_in_a_product_is_an_exception_and_the_process_goes_on()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(2, 5, 7), w = randn(2, 7, 3);
        for (int i = 0; i < 4; i++)
            Assert.Equal(matmul(x, w).data<float>().ToArray(), TorchScripts.Product(x, w).data<float>().ToArray());
        Assert.Contains("size", Assert.ThrowsAny<System.Runtime.InteropServices.ExternalException>(() => TorchScripts.Product(x, randn(2, 6, 3))).Message, StringComparison.OrdinalIgnoreCase);
        // 2^24 squared float32: a PiB, more than a process can address.
        Tensor tall = randn(1 << 24, 1);
        Exception none = Assert.ThrowsAny<Exception>(() => TorchScripts.Product(tall, tall.t()));
        Assert.True(MemoryExhaustion.Is(none), none.Message);
        none = Assert.ThrowsAny<Exception>(() => tall.mm(tall.t()));
        Assert.True(MemoryExhaustion.Is(none), none.Message);
    }

    [Fact]
    public void The_norm_and_its_gradients_are_the_written_out_ones_also_after_runs_without_gradients()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(3, 8), w = randn(8), weights = randn(3, 8);
        // The script's executor adapts itself to its first runs; they must not decide over gradients.
        using (IDisposable quiet = inference_mode())
        {
            for (int i = 0; i < 5; i++)
                TorchScripts.RmsNorm(x, w, 8, 1e-5);
        }

        Check(
            (a, b) => TorchScripts.RmsNorm(a, b, 8, 1e-5), (a, b) => a * rsqrt(a.pow(2).mean([-1], keepdim: true) + 1e-5) * b, x, w, weights);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Attention_over_shared_key_heads_is_softmax_of_scaled_products(bool causal)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor q = randn(2, 4, 5, 6), k = randn(2, 2, 5, 6), v = randn(2, 2, 5, 6), weights = randn(2, 4, 5, 6);
        Tensor mask = causal ? full([5, 5], float.NegativeInfinity).triu(1) : zeros(5, 5);
        Tensor Plain(Tensor a, Tensor b)
        {
            Tensor keys = b.repeat_interleave(2, 1), values = v.repeat_interleave(2, 1);
            return matmul(nn.functional.softmax(matmul(a, keys.transpose(-2, -1)) * 0.3 + mask, -1), values);
        }

        Check((a, b) => TorchScripts.Attention(a, b, v, causal, 0.3, grouped: true), Plain, q, k, weights);
        Check((a, b) => TorchScripts.MaskedAttention(a, b, v, mask, 0.3, grouped: true), Plain, q, k, weights);
    }

    [Fact]
    public void Embeddings_are_rows_and_their_gradient_adds_up()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = tensor(new long[] { 2, 0, 2 });
        Check((w, _) => TorchScripts.Embedding(w, ids), (w, _) => w.index_select(0, ids), randn(4, 3), zeros(1), randn(3, 3));
    }

    private static void Check(Func<Tensor, Tensor, Tensor> found, Func<Tensor, Tensor, Tensor> expected, Tensor a, Tensor b, Tensor weights)
    {
        (Tensor[] first, Tensor[] second) = (Run(found, a, b, weights), Run(expected, a, b, weights));
        for (int i = 0; i < first.Length; i++)
            Assert.True((first[i] - second[i]).abs().max().item<float>() < 1e-5, $"output {i}");
    }

    // The value, and the gradients of a weighted sum of it.
    private static Tensor[] Run(Func<Tensor, Tensor, Tensor> function, Tensor a, Tensor b, Tensor weights)
    {
        Tensor x = a.detach().clone().requires_grad_(), y = b.detach().clone().requires_grad_();
        Tensor result = function(x, y);
        (result * weights).sum().backward();
        return [result.detach(), x.grad!, y.grad ?? zeros_like(y)];
    }
}
