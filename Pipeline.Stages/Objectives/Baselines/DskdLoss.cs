using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>
/// Dual-space knowledge distillation with cross-model attention (arXiv 2406.17328). Attention between the two models' tokens brings the teacher's states
/// into the student's space, where the student's head turns them into a distribution that the student learns from, and the other way round. B rows, Ts and
/// Tt positions of the student and the teacher, S = Ts - 1 and R = Tt - 1 positions that have a next token, Hs and Ht hidden sizes, Vs and Vt vocabularies.
/// </summary>
internal static class DskdLoss
{
    /// <summary>Lower than every logit, and finite at every temperature.</summary>
    private const double Masked = -1e30;

    /// <summary>Keeps the mean over the correctly predicted positions finite where there are none. The reference has the same value.</summary>
    private const double Epsilon = 1e-8;

    /// <summary>The three terms of the loss for a batch.</summary>
    public static DskdTerms Compute(DskdStudent student, DskdTeacher teacher, DskdProjectors projectors, DskdDivergence options)
    {
        long s = student.First_BTH.size(1) - 1, r = teacher.First_BTH.size(1) - 1, teacherWidth = teacher.First_BTH.size(2);
        Tensor first_BSH = student.First_BTH.narrow(1, 0, s), next_BSH = student.First_BTH.narrow(1, 1, s);
        Tensor teacherFirst_BRH = teacher.First_BTH.narrow(1, 0, r), teacherNext_BRH = teacher.First_BTH.narrow(1, 1, r);

        Tensor query = projectors.Query.Apply(cat([first_BSH, next_BSH], -1));
        Tensor key = Standard(cat([teacherFirst_BRH, teacherNext_BRH], -1));
        Tensor align_BSR = TorchScripts.Product(query, key.transpose(1, 2)) / Math.Sqrt(2 * teacherWidth);
        Tensor blocked_BSR = (student.Real_BT.narrow(1, 1, s).unsqueeze(2) & teacher.Real_BT.narrow(1, 1, r).unsqueeze(1)).logical_not();

        Tensor studentValue = projectors.ToTeacher.Apply(student.Last_BTH.narrow(1, 0, s));
        Tensor teacherValue = projectors.ToStudent.Apply(Standard(teacher.Last_BTH.narrow(1, 0, r)) + Standard(teacherNext_BRH));

        Tensor toStudent_BSH = TorchScripts.Product(align_BSR.masked_fill(blocked_BSR, Masked).softmax(-1), teacherValue);
        Tensor toTeacher_BRH = TorchScripts.Product(align_BSR.transpose(1, 2).masked_fill(blocked_BSR.transpose(1, 2), Masked).softmax(-1), studentValue);
        Tensor inStudent_BSV = TorchScripts.Product(toStudent_BSH, student.Embeddings_VH.detach().t());
        Tensor inTeacher_BRV = TorchScripts.Product(toTeacher_BRH, teacher.Embeddings_VH.detach().t());

        Tensor target_BS = student.Ids_BT.narrow(1, 1, s);
        Tensor mask_BS = student.Counts_BT.narrow(1, 1, s).to_type(inStudent_BSV.dtype);
        Tensor trained_BSV = student.Unused_V is null ? inStudent_BSV : inStudent_BSV.masked_fill(student.Unused_V, Masked);
        Tensor ce_BS = -nn.functional.log_softmax(trained_BSV, -1).gather(2, target_BS.unsqueeze(2)).squeeze(2);

        Tensor judged_BSV = options.MaskUnused ? trained_BSV : inStudent_BSV;
        Tensor correct_BS = judged_BSV.argmax(-1).eq(target_BS).to_type(mask_BS.dtype) * mask_BS;
        Tensor kd_BS = LogitDivergence.Of(
            options.Kind, student.Logits_BTV.narrow(1, 0, s), judged_BSV, options.Temperature, options.TeacherTemperature, options.SkewLambda, options.AdaptiveAlpha);
        Tensor kd = (kd_BS * correct_BS).sum() / (correct_BS.sum() + Epsilon * mask_BS.numel());

        Tensor teacherMask_BR = teacher.Counts_BT.narrow(1, 1, r).to_type(mask_BS.dtype);
        Tensor back_BR = LogitDivergence.Of(
            LogitDivergenceKind.ForwardKl, inTeacher_BRV, teacher.Logits_BTV.narrow(1, 0, r), options.Temperature, teacherTemperature: 1, 0, 0);
        return new DskdTerms((ce_BS * mask_BS).sum(), kd, (back_BR * teacherMask_BR).sum());
    }

    // Divided by the standard deviation over all elements, those at padding included.
    private static Tensor Standard(Tensor x) => x / x.detach().flatten().@var(0, unbiased: false).sqrt();
}

/// <summary>Which divergence DSKD uses. For the other parameters see <see cref="DskdOptions"/>.</summary>
/// <param name="MaskUnused">
/// Whether ids that are no token of the student are taken out of the teacher's distribution in the student's space. The reference leaves them in, and
/// forward KL then has no finite value if the vocabulary is padded.
/// </param>
internal sealed record DskdDivergence(
    LogitDivergenceKind Kind, double Temperature, double TeacherTemperature, double SkewLambda, double AdaptiveAlpha, bool MaskUnused = true);

/// <summary>
/// The student's side: hidden states of the embedding output (First) and of the last layer (Last), logits, output embeddings, tokens, which positions have
/// a token (Real), which of these count in the loss mask, and which ids are no token (Unused).
/// </summary>
internal sealed record DskdStudent(
    Tensor First_BTH, Tensor Last_BTH, Tensor Logits_BTV, Tensor Embeddings_VH, Tensor Ids_BT, Tensor Real_BT, Tensor Counts_BT, Tensor? Unused_V);

/// <summary>The teacher's side, as <see cref="DskdStudent"/>. Its tensors are constant.</summary>
internal sealed record DskdTeacher(Tensor First_BTH, Tensor Last_BTH, Tensor Logits_BTV, Tensor Embeddings_VH, Tensor Real_BT, Tensor Counts_BT);

/// <summary>The learned maps between the two spaces.</summary>
/// <param name="Query">[2 Hs] → [2 Ht].</param>
/// <param name="ToTeacher">[Hs] → [Ht].</param>
/// <param name="ToStudent">[Ht] → [Hs].</param>
internal sealed record DskdProjectors(Projector Query, Projector ToTeacher, Projector ToStudent);

/// <summary>The terms of the loss, each a scalar.</summary>
/// <param name="CrossEntropySum">
/// The cross-entropy of the next token under the teacher's states, as the student's head reads them: a sum over the student's targets.
/// </param>
/// <param name="Distillation">
/// The divergence between the student's distributions and those of the cross-entropy term: a mean over the targets that the latter predict correctly.
/// </param>
/// <param name="BackSum">
/// The divergence between the student's states, as the teacher's head reads them, and the teacher's distributions: a sum over the teacher's targets.
/// </param>
internal sealed record DskdTerms(Tensor CrossEntropySum, Tensor Distillation, Tensor BackSum);
