using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>
/// Divergences between softmax(student) and softmax(teacher) over one vocabulary, row by row: [K, V] → [K], in nats. The gradient flows to the student;
/// the teacher is constant. Logits of ids that are no token must be at most -1e30 on both sides.
/// </summary>
internal static class LogitDivergence
{
    /// <summary>Is added in the logarithm of a mixture, since both probabilities may be 0 in float32. The reference has the same value.</summary>
    private const double MixtureFloor = 1e-9;

    /// <summary>The whole number that stands for a probability of 1 where probabilities are summed as whole numbers.</summary>
    private const double WholeParts = 1L << 40;

    /// <summary>The divergence of each row.</summary>
    /// <param name="kind">Which divergence.</param>
    /// <param name="student_KV">The student's logits.</param>
    /// <param name="teacher_KV">The teacher's logits.</param>
    /// <param name="temperature">Divides the logits of both sides.</param>
    /// <param name="teacherTemperature">Also divides those of the teacher.</param>
    /// <param name="skewLambda">λ of the skewed divergences.</param>
    /// <param name="adaptiveAlpha">The probability mass that counts as the tail in the adaptive divergence.</param>
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

    // Forward and reverse KL, weighted by how much the two distributions differ in the head and in the tail of the teacher's.
    private static Tensor Adaptive(Tensor t, Tensor s, double alpha)
    {
        Tensor weightHead, weightTail;
        using (no_grad())
        {
            (Tensor ascending, Tensor order) = t.exp().sort(-1);
            // Summed as whole numbers, because a running sum of floats is not deterministic on CUDA.
            Tensor tail = (ascending.to_type(ScalarType.Float64) * WholeParts).to_type(ScalarType.Int64).cumsum(-1) < alpha * WholeParts;
            Tensor gap = (t.exp() - s.exp()).abs().gather(-1, order);
            weightTail = gap.masked_fill(tail.logical_not(), Scalars.Zero).sum(dim: -1);
            weightHead = gap.masked_fill(tail, Scalars.Zero).sum(dim: -1);
        }
        Tensor forward = (t.exp() * (t - s)).sum(dim: -1), reverse = (s.exp() * (s - t)).sum(dim: -1);
        return (weightHead * forward + weightTail * reverse) / (weightHead + weightTail);
    }
}
