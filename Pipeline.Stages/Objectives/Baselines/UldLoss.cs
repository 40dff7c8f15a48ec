using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>Universal logit distillation (arXiv 2402.12030). Vocabularies are compared by the rank of their probabilities.</summary>
internal static class UldLoss
{
    /// <summary>
    /// Σ_v |p_S(v) - p_T(v)| for each row, [K, Vs] and [K, Vt] → [K]. Both sides are sorted in descending order, and the smaller vocabulary is padded
    /// with zeros. The gradient flows to the student.
    /// </summary>
    /// <param name="student_KV">The student's logits.</param>
    /// <param name="teacher_KV">The teacher's logits; constant.</param>
    public static Tensor PerRow(Tensor student_KV, Tensor teacher_KV)
    {
        Tensor s = student_KV.softmax(-1).sort(-1, descending: true).Values;
        Tensor t = teacher_KV.detach().softmax(-1).sort(-1, descending: true).Values;
        long difference = s.size(1) - t.size(1);
        if (difference > 0)
            t = nn.functional.pad(t, [0, difference]);
        else if (difference < 0)
            s = nn.functional.pad(s, [0, -difference]);
        return (s - t).abs().sum(dim: -1);
    }
}
