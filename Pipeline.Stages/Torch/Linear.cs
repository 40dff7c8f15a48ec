using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Products with a weight [out, in]. libtorch contains two libraries for them. It uses MKL for float32, and on processors that are not Intel's, MKL makes
/// no use of AVX-512. oneDNN does. Large products on the CPU therefore go to oneDNN on AMD processors with AVX-512, and all others stay with torch.
/// </summary>
internal static class Linear
{
    // For a smaller weight, or fewer rows than a block has (TorchScripts.Linear), copying into oneDNN's kind of tensor and waking threads for each block
    // cost more than is gained.
    private const long LeastWeights = 1 << 18;
    private const long LeastRows = 512;

    // How many rows of the vocabulary head are worked on at a time. What oneDNN copies on the way is then small beside a slice of logits.
    private const long Block = 2048;

    /// <summary>Whether this is an AMD processor with AVX-512.</summary>
    public static bool UsesOneDnn { get; } = Avx512F.IsSupported && X86Base.CpuId(0, 0) is { Ebx: 0x68747541, Edx: 0x69746e65, Ecx: 0x444d4163 };

    /// <summary>The linear map of a layer.</summary>
    /// <param name="x">[.., in].</param>
    /// <param name="weight">[out, in].</param>
    /// <param name="bias">[out]; null: none.</param>
    /// <returns>[.., out].</returns>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor? bias)
    {
        if (!Suits(x, weight))
            return nn.functional.linear(x, weight, bias);
        using Tensor rows = x.reshape(-1, weight.size(1));
        using Tensor product = ByOneDnn(rows, weight);
        if (bias is null)
            return product.view([.. x.shape[..^1], weight.size(0)]);
        using Tensor sum = product + bias;
        return sum.view([.. x.shape[..^1], weight.size(0)]);
    }

    /// <summary>x [N, in] times the transposed weight, [N, out]: by oneDNN on every processor, with gradients where they are asked for.</summary>
    public static Tensor ByOneDnn(Tensor x, Tensor weight)
        => is_grad_enabled() && (x.requires_grad || weight.requires_grad) ? Function.apply(x, weight) : TorchScripts.Linear(x, weight);

    /// <summary>x times the transposed weight, written into existing memory [N, V]. The product of the vocabulary head is too large to exist twice.</summary>
    public static Tensor Into(Tensor into_NV, Tensor x_NH, Tensor weight_VH)
    {
        if (!Suits(x_NH, weight_VH))
            return into_NV.addmm_(x_NH, weight_VH.t(), beta: 0);
        foreach ((long from, long count) in Blocks(weight_VH))
        {
            using Tensor block = weight_VH.narrow(0, from, count), product = TorchScripts.Linear(x_NH, block), place = into_NV.narrow(1, from, count);
            place.copy_(product);
        }
        return into_NV;
    }

    /// <summary>The gradient g [N, V] times the weight [V, H], which gives [N, H]: the gradient with respect to the input.</summary>
    public static Tensor ByInput(Tensor g_NV, Tensor weight_VH)
    {
        if (!Suits(g_NV, weight_VH))
            return g_NV.mm(weight_VH);
        Tensor? sum = null;
        foreach ((long from, long count) in Blocks(weight_VH))
        {
            using Tensor block = weight_VH.narrow(0, from, count), part = g_NV.narrow(1, from, count);
            Tensor product = TorchScripts.LinearByInput(part, block);
            if (sum is null)
            {
                sum = product;
                continue;
            }
            sum.add_(product);
            product.Dispose();
        }
        return sum!;
    }

    /// <summary>Adds the transposed gradient [V, N] times the input [N, H] to a sum [V, H]: the gradient with respect to the weight.</summary>
    public static void AddByWeight(Tensor sum_VH, Tensor g_NV, Tensor x_NH)
    {
        if (!Suits(g_NV, sum_VH))
        {
            sum_VH.addmm_(g_NV.t(), x_NH);
            return;
        }
        foreach ((long from, long count) in Blocks(sum_VH))
        {
            using Tensor place = sum_VH.narrow(0, from, count), part = g_NV.narrow(1, from, count), product = TorchScripts.LinearByWeight(part, x_NH, place);
            place.add_(product);
        }
    }

    private static IEnumerable<(long From, long Count)> Blocks(Tensor weight_VH)
    {
        for (long from = 0; from < weight_VH.size(0); from += Block)
            yield return (from, Math.Min(Block, weight_VH.size(0) - from));
    }

    private static bool Suits(Tensor x, Tensor weight)
        => UsesOneDnn && weight.numel() >= LeastWeights && x.numel() >= LeastRows * x.size(-1)
        && x.device_type == DeviceType.CPU && x.dtype == ScalarType.Float32 && weight.dtype == ScalarType.Float32;

    // The autograd function that torch has for oneDNN would keep copies of the input and of the output.
    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(Linear);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            (Tensor x, Tensor weight) = ((Tensor)vars[0], (Tensor)vars[1]);
            ctx.save_for_backward([x, weight]);
            ctx.set_materialize_grads(false);
            return TorchScripts.Linear(x, weight);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => BackwardFailure.Catch(2, () =>
        {
            using DisposeScope scope = NewDisposeScope();
            if (grad_output.IsInvalid)
                return BackwardResults.Return(null, null);
            List<Tensor> saved = ctx.get_saved_variables();
            (Tensor x, Tensor weight) = (saved[0], saved[1]);
            Tensor? byInput = x.requires_grad ? TorchScripts.LinearByInput(grad_output, weight) : null;
            Tensor? byWeight = weight.requires_grad ? TorchScripts.LinearByWeight(grad_output, x, weight) : null;
            grad_output.Dispose();
            return BackwardResults.Return(byInput, byWeight);
        });
    }
}
