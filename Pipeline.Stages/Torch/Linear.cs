using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Products with a weight [out, in]. libtorch contains two libraries for them. It uses MKL for float32, and on processors that are not Intel's, MKL makes
/// no use of AVX-512. oneDNN does. Products with large weights on the CPU therefore go to oneDNN on AMD processors with AVX-512, and all others stay with
/// torch.
/// </summary>
/// <remarks>
/// They go there in blocks of two sizes, because oneDNN never gives back all of the memory of a kernel, needs one for every shape, and batches have ever new
/// lengths. What is left of the rows goes to torch.
/// </remarks>
internal static class Linear
{
    // The number of values up to which a weight stays with MKL: copying into oneDNN's kind of tensor and waking threads for each block would cost more than is
    // gained.
    private const long LargestForMkl = 1 << 17;

    // The larger, the more rarely threads are woken; the smaller, the fewer rows are left.
    private const long LargeBlock = 1024, SmallBlock = 512;

    // Of a vocabulary head. What oneDNN copies on the way is then small beside a slice of logits.
    private const long OutputBlock = 2048;

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
        => is_grad_enabled() && (x.requires_grad || weight.requires_grad) ? Function.apply(x, weight) : Product(x, weight);

    /// <summary>x times the transposed weight, written into existing memory [N, V]. The product of the vocabulary head is too large to exist twice.</summary>
    public static Tensor Into(Tensor into_NV, Tensor x_NH, Tensor weight_VH)
    {
        if (Suits(x_NH, weight_VH))
            Fill(into_NV, x_NH, weight_VH);
        else
            into_NV.addmm_(x_NH, weight_VH.t(), beta: 0);
        return into_NV;
    }

    /// <summary>The gradient g [N, V] times the weight [V, H], which gives [N, H]: the gradient with respect to the input.</summary>
    public static Tensor ByInput(Tensor g_NV, Tensor weight_VH) => Suits(g_NV, weight_VH) ? InputGradient(g_NV, weight_VH) : g_NV.mm(weight_VH);

    /// <summary>Adds the transposed gradient [V, N] times the input [N, H] to a sum [V, H]: the gradient with respect to the weight.</summary>
    public static void AddByWeight(Tensor sum_VH, Tensor g_NV, Tensor x_NH)
    {
        if (Suits(g_NV, sum_VH))
            AddWeightGradient(sum_VH, g_NV, x_NH);
        else
            sum_VH.addmm_(g_NV.t(), x_NH);
    }

    private static bool Suits(Tensor x, Tensor weight)
        => UsesOneDnn && weight.numel() > LargestForMkl && x.numel() >= SmallBlock * x.size(-1)
        && x.device_type == DeviceType.CPU && x.dtype == ScalarType.Float32 && weight.dtype == ScalarType.Float32;

    private static Tensor Product(Tensor x, Tensor weight)
    {
        Tensor y = empty(x.size(0), weight.size(0));
        Fill(y, x, weight);
        return y;
    }

    private static void Fill(Tensor into_NV, Tensor x_NH, Tensor weight_VH)
    {
        foreach ((long row, long rows) in RowBlocks(x_NH.size(0)))
        {
            using Tensor x = x_NH.narrow(0, row, rows), into = into_NV.narrow(0, row, rows);
            if (rows < SmallBlock)
            {
                into.addmm_(x, weight_VH.t(), beta: 0);
                continue;
            }
            foreach ((long output, long outputs) in OutputBlocks(weight_VH.size(0)))
            {
                using Tensor weight = weight_VH.narrow(0, output, outputs), product = TorchScripts.Linear(x, weight), place = into.narrow(1, output, outputs);
                place.copy_(product);
            }
        }
    }

    private static Tensor InputGradient(Tensor g_NV, Tensor weight_VH)
    {
        Tensor y_NH = zeros(g_NV.size(0), weight_VH.size(1));
        foreach ((long row, long rows) in RowBlocks(g_NV.size(0)))
        {
            using Tensor g = g_NV.narrow(0, row, rows), y = y_NH.narrow(0, row, rows);
            if (rows < SmallBlock)
            {
                y.addmm_(g, weight_VH, beta: 0);
                continue;
            }
            foreach ((long output, long outputs) in OutputBlocks(weight_VH.size(0)))
            {
                using Tensor weight = weight_VH.narrow(0, output, outputs), part = g.narrow(1, output, outputs), product = TorchScripts.LinearByInput(part, weight);
                y.add_(product);
            }
        }
        return y_NH;
    }

    private static void AddWeightGradient(Tensor sum_VH, Tensor g_NV, Tensor x_NH)
    {
        foreach ((long row, long rows) in RowBlocks(g_NV.size(0)))
        {
            using Tensor g = g_NV.narrow(0, row, rows), x = x_NH.narrow(0, row, rows);
            if (rows < SmallBlock)
            {
                sum_VH.addmm_(g.t(), x);
                continue;
            }
            foreach ((long output, long outputs) in OutputBlocks(sum_VH.size(0)))
            {
                using Tensor sum = sum_VH.narrow(0, output, outputs), part = g.narrow(1, output, outputs), product = TorchScripts.LinearByWeight(part, x, sum);
                sum.add_(product);
            }
        }
    }

    private static IEnumerable<(long From, long Count)> RowBlocks(long rows)
    {
        for (long from = 0, count; from < rows; from += count)
        {
            long left = rows - from;
            count = left >= LargeBlock ? LargeBlock : Math.Min(left, SmallBlock);
            yield return (from, count);
        }
    }

    private static IEnumerable<(long From, long Count)> OutputBlocks(long outputs)
    {
        for (long from = 0; from < outputs; from += OutputBlock)
            yield return (from, Math.Min(OutputBlock, outputs - from));
    }

    // The autograd function that torch has for oneDNN would keep copies of the input and of the output.
    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(Linear);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            (Tensor x, Tensor weight) = ((Tensor)vars[0], (Tensor)vars[1]);
            ctx.save_for_backward([x, weight]);
            ctx.set_materialize_grads(false);
            return Product(x, weight);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => BackwardFailure.Catch(2, () =>
        {
            using DisposeScope scope = NewDisposeScope();
            if (grad_output.IsInvalid)
                return BackwardResults.Return(null, null);
            List<Tensor> saved = ctx.get_saved_variables();
            (Tensor x, Tensor weight) = (saved[0], saved[1]);
            Tensor? byInput = x.requires_grad ? InputGradient(grad_output, weight) : null, byWeight = null;
            if (weight.requires_grad)
            {
                byWeight = zeros_like(weight);
                AddWeightGradient(byWeight, grad_output, x);
            }
            grad_output.Dispose();
            return BackwardResults.Return(byInput, byWeight);
        });
    }
}
