using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// The divergences f(t, s) that compare the teacher's log-likelihood t of a chunk with the student's, s. Both are natural logarithms, at most 0, of
/// shape [C], and so is the result. The gradient flows to s, and is finite for every finite s ≤ 0. For the kinds see <see cref="DivergenceKind"/>.
/// </summary>
internal static class Divergence
{
    /// <summary>Keeps a log-likelihood of 0 away from log(1 - exp(0)). As in the reference, it is subtracted after the temperature was applied.</summary>
    public const double Epsilon = 1e-6;

    /// <summary>From this r on, exp(r) in k3 is continued by its tangent. float32 overflows at 88, and sums over chunks must stay finite too.</summary>
    private const double LargestLogRatio = 60;

    /// <summary>f(t, s) for each chunk.</summary>
    /// <param name="kind">Which f.</param>
    /// <param name="t_C">The teacher's log-likelihoods; constant.</param>
    /// <param name="s_C">The student's log-likelihoods.</param>
    /// <param name="temperature">τ.</param>
    /// <param name="renyiAlpha">α of the Rényi divergence.</param>
    public static Tensor Of(DivergenceKind kind, Tensor t_C, Tensor s_C, double temperature, double renyiAlpha) => kind switch
    {
        DivergenceKind.BinaryCe => BinaryCe(t_C, s_C, temperature),
        DivergenceKind.ReverseBinaryKl => ReverseBinaryKl(t_C, s_C, temperature),
        DivergenceKind.BinaryKlTempLimit => BinaryKlTempLimit(t_C, s_C),
        DivergenceKind.Abs => (t_C - s_C).abs(),
        DivergenceKind.AbsExp => (Tempered(t_C, temperature).exp() - Tempered(s_C, temperature).exp()).abs(),
        DivergenceKind.Renyi => Renyi(t_C, s_C, renyiAlpha),
        DivergenceKind.JoschuK2 => ((t_C - s_C) / temperature).square() / 2,
        DivergenceKind.JoschuK3 => JoschuK3((t_C - s_C) / temperature),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>log(1 - exp(x)) for x &lt; 0. It takes two forms, each of which is accurate on its side of -log 2.</summary>
    public static Tensor Log1mExp(Tensor x)
    {
        Tensor far = x < -Math.Log(2);
        // Each form gets a harmless argument where it is not taken. Otherwise its derivative there could be infinite, and 0 · ∞ is NaN.
        Tensor farX = where(far, x, full_like(x, -1));
        Tensor nearX = where(far, full_like(x, -0.5), x);
        return where(far, log1p(-farX.exp()), log(-nearX.expm1()));
    }

    // -(a log b + (1 - a) log(1 - b)), a = exp(t/τ - ε), b = exp(s/τ - ε)
    private static Tensor BinaryCe(Tensor t, Tensor s, double temperature)
    {
        Tensor a = Tempered(t, temperature), b = Tempered(s, temperature);
        return -(a.exp() * b - a.expm1() * Log1mExp(b));
    }

    // b log(b/a) + (1 - b) log((1 - b)/(1 - a))
    private static Tensor ReverseBinaryKl(Tensor t, Tensor s, double temperature)
    {
        Tensor a = Tempered(t, temperature), b = Tempered(s, temperature);
        return b.exp() * (b - a) - b.expm1() * (Log1mExp(b) - Log1mExp(a));
    }

    // (t - s) + t log(s/t), the limit of τ · KL(exp(t/τ) ‖ exp(s/τ)) as τ grows
    private static Tensor BinaryKlTempLimit(Tensor t, Tensor s)
    {
        Tensor a = t - Epsilon, b = s - Epsilon;
        return a - b + a * (log(-b) - log(-a));
    }

    // log(a^α b^(1-α) + (1 - a)^α (1 - b)^(1-α)) / (α - 1); for α = 1 its limit, which is binary KL
    private static Tensor Renyi(Tensor t, Tensor s, double alpha)
    {
        Tensor a = t - Epsilon, b = s - Epsilon;
        Tensor notA = Log1mExp(a), notB = Log1mExp(b);
        if (alpha == 1)
            return a.exp() * (a - b) - a.expm1() * (notA - notB);
        return logaddexp(alpha * a + (1 - alpha) * b, alpha * notA + (1 - alpha) * notB) / (alpha - 1);
    }

    // exp(r) - 1 - r, with the tangent of exp beyond the largest r
    private static Tensor JoschuK3(Tensor r)
    {
        Tensor capped = r.clamp_max(LargestLogRatio);
        Tensor over = (r - LargestLogRatio).clamp_min(Scalars.Zero) * Math.Exp(LargestLogRatio);
        return capped.expm1() + over - r;
    }

    private static Tensor Tempered(Tensor x, double temperature) => x / temperature - Epsilon;
}
