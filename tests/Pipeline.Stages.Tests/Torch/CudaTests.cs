using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using Pipeline.Stages.Torch;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Torch;

/// <summary>What only a card can show. The other tests of torch run there too: see <see cref="TestDevice"/>.</summary>
[Collection(TorchCollection.Name)]
public sealed class CudaTests(ITestOutputHelper output)
{
    [Fact]
    public void Likelihoods_of_bfloat16_states_have_the_digits_of_float32()
    {
        if (!Available())
            return;
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(5);
        // Logits up to some 60: rounded to bfloat16 they would be off by up to an eighth.
        Tensor Draw(double spread, params long[] shape) => (randn(shape, ScalarType.Float32, CPU, generator: generator) * spread).to(ScalarType.BFloat16).to(CUDA);
        Tensor hidden = Draw(1, 70, 256), head = Draw(1, 5_000, 256), targets = randint(0, 5_000, [70], ScalarType.Int64, CPU, generator: generator).to(CUDA);
        Tensor boundary = (arange(5_000) % 9).eq(1).to(CUDA);
        HeadScores found = VocabularyHead.Score(hidden, head, targets, new HeadOptions(BoundaryMask: boundary, SliceTokens: 16));
        Tensor logP = nn.functional.log_softmax(matmul(hidden.to(ScalarType.Float64), head.to(ScalarType.Float64).t()), 1);
        double likelihoodOff = Off(logP.gather(1, targets.unsqueeze(1)).squeeze(1), found.LogLikelihood);
        double boundaryOff = Off(logP.masked_fill(boundary.logical_not(), double.NegativeInfinity).logsumexp(1), found.LogBoundary!);
        output.WriteLine($"likelihood off by {likelihoodOff:E1}, boundary by {boundaryOff:E1}, of {-logP.min().item<double>():F0} nats");
        Assert.True(likelihoodOff < 1e-3 && boundaryOff < 1e-3, $"likelihood off by {likelihoodOff}, boundary by {boundaryOff}");
    }

    [Fact]
    public void No_memory_on_the_card_is_known_as_such_and_the_card_goes_on()
    {
        if (!Available())
            return;
        using DisposeScope scope = NewDisposeScope();
        Exception none = Assert.ThrowsAny<Exception>(() => zeros([1L << 42], dtype: ScalarType.Float32, device: CUDA));
        output.WriteLine(none.Message.Split('\n')[0]);
        Assert.True(MemoryExhaustion.Is(none), $"{none.GetType()}: {none.Message}");
        Assert.Contains("torch asked for", MemoryExhaustion.At("here", none, "lower it").Message, StringComparison.Ordinal);
        Assert.Equal(3, ones([3], device: CUDA).sum().item<float>());
    }

    [Fact]
    public void Sums_in_any_order_have_the_same_bits_every_time()
    {
        if (!Available())
            return;
        using DisposeScope scope = NewDisposeScope();
        using TorchDevice device = TestDevice.Create();
        using Generator generator = new(5);
        Tensor values = randn([1 << 20], ScalarType.Float32, CPU, generator: generator).to(CUDA), at = randint(0, 100, [1 << 20], ScalarType.Int64, CPU, generator: generator).to(CUDA);
        float[] Sums() => [.. zeros([100], device: CUDA).index_add(0, at, values, 1).cpu().data<float>()];
        float[] first = Sums();
        for (int i = 0; i < 20; i++)
            Assert.Equal(first, Sums());
    }

    private static double Off(Tensor expected, Tensor found) => (expected - found.to(ScalarType.Float64)).abs().max().item<double>();

    private bool Available()
    {
        if (TestDevice.Choice != DeviceChoice.Cuda)
            output.WriteLine("skipped: ALM_TEST_DEVICE is not cuda");
        return TestDevice.Choice == DeviceChoice.Cuda;
    }
}
