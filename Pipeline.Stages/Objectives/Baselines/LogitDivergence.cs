using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>
/// Divergences per row between softmax(student) and softmax(teacher) over one vocabulary. [K, V] → [K]. The gradient flows to the
/// student; the teacher is constant. Logits of ids that no token has are at most -1e30 on both sides.
/// </summary>
internal static class LogitDivergence
{
    /// <summary>Inside the logarithm of a mixture, where both probabilities may be 0 in float32; the reference's value.</summary>
    private const double MixtureFloor = 1e-9;

    /// <summary>What a probability of 1 is where probabilities are summed in whole numbers.</summary>
    private const double WholeParts = 1L << 40;

    public static Tensor Of(
        LogitDivergenceKind kind, Tensor student_KV, Tensor teacher_KV, double temperature, double teacherTemperature, double skewLambda, double adaptiveAlpha)
    {
        Tensor s = nn.functional.log_softmax(student_KV / temperature, -1);
        Tensor t = nn.functional.log_softmax(teacher_KV.detach() / temperature / teacherTemperature, -1);
        return kind switch
        {
            LogitDivergenceKind.ForwardKl => (t.exp() * (t - s)).sum(dim: -1),
            LogitDivergenceKind.ReverseKl => (s.exp() * (s - t)).sum(dim: -1),
            LogitDivergenceKind.SkewedForwardKl => (t.exp() * (t - (skewLambda * t.exp() + (1 - skewLambda) * s.exp() + MixtureFloor).log())).sum(dim: -1),
            LogitDivergenceKind.SkewedReverseKl => (s.exp() * (s - ((1 - skewLambda) * t.exp() + skewLambda * s.exp() + MixtureFloor).log())).sum(dim: -1),
            LogitDivergenceKind.AdaptiveKl => Adaptive(t, s, adaptiveAlpha),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
    }

    // Forward and reverse KL weighted by how much the two differ in the head and in the tail of the teacher's distribution.
    private static Tensor Adaptive(Tensor t, Tensor s, double alpha)
    {
        Tensor weightHead, weightTail;
        using (no_grad())
        {
            (Tensor ascending, Tensor order) = t.exp().sort(-1);
            // In whole numbers, since a running sum of floats has no deterministic kernel on CUDA.
            Tensor tail = (ascending.to_type(ScalarType.Float64) * WholeParts).to_type(ScalarType.Int64).cumsum(-1) < alpha * WholeParts;
            Tensor gap = (t.exp() - s.exp()).abs().gather(-1, order);
            weightTail = gap.masked_fill(tail.logical_not(), Scalars.Zero).sum(dim: -1);
            weightHead = gap.masked_fill(tail, Scalars.Zero).sum(dim: -1);
        }
        Tensor forward = (t.exp() * (t - s)).sum(dim: -1), reverse = (s.exp() * (s - t)).sum(dim: -1);
        return (weightHead * forward + weightTail * reverse) / (weightHead + weightTail);
    }
}
