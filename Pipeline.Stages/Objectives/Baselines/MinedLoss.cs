using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>
/// MinED (arXiv 2401.10491, as the reference runs it). Where both tokenizers have one token, the student learns the teacher's distribution through a
/// token map. Elsewhere it learns the next token of the text. N and M flat positions of the student and the teacher, Vs and Vt vocabularies.
/// </summary>
internal static class MinedLoss
{
    /// <summary>
    /// Σ_K KL(softmax(teacher[mapping]/τ) ‖ softmax(student/τ)) - Σ_J log softmax(student[j - 1]/τ)[id_j]: a scalar.
    /// </summary>
    /// <param name="student_NV">[N, Vs] the student's logits. The gradient flows here.</param>
    /// <param name="teacher_MV">[M, Vt] the teacher's logits; constant.</param>
    /// <param name="tables">The positions of the K pairs and the J targets.</param>
    /// <param name="ids_N">[N] the student's tokens.</param>
    /// <param name="mapping_V">[Vs] the teacher token for each student token.</param>
    /// <param name="unused_V">[Vs] true for ids that are no token of the student; null where there are none.</param>
    /// <param name="temperature">τ.</param>
    public static Tensor Sum(
        Tensor student_NV, Tensor teacher_MV, MinedTables tables, long[] ids_N, Tensor mapping_V, Tensor? unused_V, double temperature)
    {
        Device device = student_NV.device;
        Tensor mapped_KV = teacher_MV.detach().index_select(0, tensor(tables.Teacher, device: device)).index_select(1, mapping_V);
        if (unused_V is not null)
            mapped_KV = mapped_KV.masked_fill(unused_V, UnusedLogit);
        Tensor pairs_KV = student_NV.index_select(0, tensor(tables.Student, device: device));
        Tensor kl = LogitDivergence.Of(LogitDivergenceKind.ForwardKl, pairs_KV, mapped_KV, temperature, 1, 0, 0).sum();

        long[] before = Array.ConvertAll(tables.Target, j => j - 1), wanted = Array.ConvertAll(tables.Target, j => ids_N[j]);
        Tensor own_JV = nn.functional.log_softmax(student_NV.index_select(0, tensor(before, device: device)) / temperature, -1);
        return kl - own_JV.gather(1, tensor(wanted, device: device).unsqueeze(1)).sum();
    }

    /// <summary>A logit whose probability is 0, and whose log-probability is finite, at every temperature.</summary>
    internal const double UnusedLogit = -1e30;
}
