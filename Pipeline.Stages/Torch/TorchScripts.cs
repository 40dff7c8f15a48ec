using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Operators that TorchSharp does not bind. They are called through TorchScript, with torch's own autograd. A syntax error here would end the
/// process, so the source is a constant, and the tests run all of it. Each function calls a single operator (<c>gradients</c> also fills in zeros, and
/// the <c>linear</c> ones copy into oneDNN's kind of tensor and back), so that the script compiler has nothing to fuse or to differentiate by itself, and
/// results do not change after its warm-up.
/// </summary>
internal static class TorchScripts
{
    private const string Source = """
        def rms_norm(x, w, width: int, eps: float):
            return torch.rms_norm(x, [width], w, eps)

        def attention(q, k, v, causal: bool, scale: float, grouped: bool):
            return torch.scaled_dot_product_attention(q, k, v, None, 0.0, causal, scale=scale, enable_gqa=grouped)

        def masked_attention(q, k, v, mask, scale: float, grouped: bool):
            return torch.scaled_dot_product_attention(q, k, v, mask, 0.0, False, scale=scale, enable_gqa=grouped)

        def embedding(w, ids):
            return torch.embedding(w, ids, -1, False, False)

        def count(s: List[Tensor]) -> Tensor:
            torch._foreach_add_(s, 1)
            return s[0]

        def adamw(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], s: List[Tensor], lr: float, b1: float, b2: float, wd: float, eps: float) -> Tensor:
            none: List[Tensor] = []
            torch._fused_adamw_(p, g, m, v, none, s, lr=lr, beta1=b1, beta2=b2, weight_decay=wd, eps=eps, amsgrad=False, maximize=False)
            return s[0]

        def gradients(loss, at: List[Tensor], retain: bool) -> List[Tensor]:
            found = torch.autograd.grad([loss], at, None, retain, False, True)
            result: List[Tensor] = []
            for i in range(len(at)):
                g = found[i]
                if g is None:
                    result.append(torch.zeros_like(at[i]))
                else:
                    result.append(g)
            return result

        def product(x, w):
            return torch.matmul(x, w)

        def wide_product(x, w, into):
            return torch.mm(x, w, out_dtype=6, out=into)

        def add_wide_product(x, w, into):
            return torch.addmm(into, x, w, out_dtype=6, out=into)

        def linear(x, w):
            return torch.mkldnn_linear(x.to_mkldnn(), w, None).to_dense()

        def linear_by_input(g, w):
            return torch.mkldnn_linear_backward_input([g.size(0), w.size(1)], g.to_mkldnn(), w).to_dense()

        def linear_by_weight(g, x, w):
            return torch.mkldnn_linear_backward_weights(g.to_mkldnn(), x.to_mkldnn(), w, False)[0]

        def norms(g: List[Tensor]) -> List[Tensor]:
            return torch._foreach_norm(g, 2)

        def scale(g: List[Tensor], f: Tensor) -> Tensor:
            torch._foreach_mul_(g, f)
            return f

        """;

    private static readonly Lazy<jit.CompilationUnit> Unit = new(() => jit.compile(Source));

    public static Tensor RmsNorm(Tensor x, Tensor weight, int width, Scalar epsilon)
    {
        Tensor result = Unit.Value.invoke<Tensor>("rms_norm", x, weight, width, epsilon);
        GC.KeepAlive(epsilon);
        return result;
    }

    public static Tensor Attention(Tensor q, Tensor k, Tensor v, bool causal, Scalar scale, bool grouped)
    {
        Tensor result = Unit.Value.invoke<Tensor>("attention", q, k, v, causal, scale, grouped);
        GC.KeepAlive(scale);
        return result;
    }

    public static Tensor MaskedAttention(Tensor q, Tensor k, Tensor v, Tensor mask, Scalar scale, bool grouped)
    {
        Tensor result = Unit.Value.invoke<Tensor>("masked_attention", q, k, v, mask, scale, grouped);
        GC.KeepAlive(scale);
        return result;
    }

    public static Tensor Embedding(Tensor weight, Tensor ids) => Unit.Value.invoke<Tensor>("embedding", weight, ids);

    public static void AdamW(Tensor[] p, Tensor[] g, Tensor[] m, Tensor[] v, Tensor[] s, double rate, double beta1, double beta2, double decay, double epsilon)
    {
        // The call reads the scalars' native memory, which their finalizers free. They have to be held until it returns.
        Scalar lr = rate, b1 = beta1, b2 = beta2, wd = decay, eps = epsilon;
        Unit.Value.invoke<Tensor>("count", (object)s).Dispose();
        Unit.Value.invoke<Tensor>("adamw", p, g, m, v, s, lr, b1, b2, wd, eps).Dispose();
        GC.KeepAlive((lr, b1, b2, wd, eps));
    }

    /// <summary>
    /// The gradients of a loss with respect to some tensors; zeros where it does not depend on a tensor. <c>autograd.grad</c> is not used, because
    /// there TorchSharp lets what torch throws, such as out of memory, end the process.
    /// </summary>
    /// <param name="loss">A scalar.</param>
    /// <param name="at">The tensors.</param>
    /// <param name="retain">Whether the graph is kept for another backward pass.</param>
    public static Tensor[] Gradients(Tensor loss, Tensor[] at, bool retain) => Unit.Value.invoke<Tensor[]>("gradients", loss, at, retain);

    /// <summary>
    /// The matrix product. <c>matmul</c> is not used, because there TorchSharp lets what torch throws end the process. For plain matrices, <c>mm</c>
    /// does as well.
    /// </summary>
    public static Tensor Product(Tensor x, Tensor w) => Unit.Value.invoke<Tensor>("product", x, w);

    /// <summary>
    /// On CUDA only: x [N, H] times w [H, V], both bfloat16, into float32 [N, V]. The plain product would round every sum to bfloat16, which is off
    /// by up to a sixteenth at a logit of 20. The script knows float32 by its number, 6.
    /// </summary>
    public static void WideProduct(Tensor x, Tensor w, Tensor into) => Unit.Value.invoke<Tensor>("wide_product", x, w, into).Dispose();

    /// <summary>Like <see cref="WideProduct"/>, but added to the values that are there.</summary>
    public static void AddWideProduct(Tensor x, Tensor w, Tensor into) => Unit.Value.invoke<Tensor>("add_wide_product", x, w, into).Dispose();

    /// <summary>
    /// x [N, in] times the transposed weight [out, in], float32 on the CPU, by oneDNN. It makes a kernel for every new shape and never gives back all of a
    /// kernel's memory, so the shapes should be few.
    /// </summary>
    public static Tensor Linear(Tensor x, Tensor weight) => Unit.Value.invoke<Tensor>("linear", x, weight);

    /// <summary>The gradient of <see cref="Linear"/> with respect to x.</summary>
    public static Tensor LinearByInput(Tensor gradient, Tensor weight) => Unit.Value.invoke<Tensor>("linear_by_input", gradient, weight);

    /// <summary>The gradient of <see cref="Linear"/> with respect to the weight.</summary>
    public static Tensor LinearByWeight(Tensor gradient, Tensor x, Tensor weight) => Unit.Value.invoke<Tensor>("linear_by_weight", gradient, x, weight);

    public static Tensor[] Norms(Tensor[] tensors) => Unit.Value.invoke<Tensor[]>("norms", (object)tensors);

    public static void Multiply(Tensor[] tensors, Tensor factor) => Unit.Value.invoke<Tensor>("scale", tensors, factor).Dispose();
}
