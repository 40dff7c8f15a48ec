using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>Universal logit distillation (arXiv 2402.12030): vocabularies are compared by rank of probability.</summary>
internal static class UldLoss
{
    /// <summary>Σ_v |p_S(v) - p_T(v)| per row, probabilities in descending order, the smaller vocabulary padded with 0. [K, Vs], [K, Vt] → [K].</summary>
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
