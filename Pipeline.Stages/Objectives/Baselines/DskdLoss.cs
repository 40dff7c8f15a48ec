using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>
/// Dual-space knowledge distillation with cross-model attention (arXiv 2406.17328). B rows, Ts and Tt positions, S = Ts - 1 and
/// R = Tt - 1 positions with a next token, Hs and Ht hidden sizes, Vs and Vt vocabularies.
/// </summary>
internal static class DskdLoss
{
    /// <summary>Below every logit, finite at every temperature.</summary>
    private const double Masked = -1e30;

    /// <summary>Keeps the mean over right positions finite when there are none; the reference's value.</summary>
    private const double Epsilon = 1e-8;

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
        Tensor right_BS = judged_BSV.argmax(-1).eq(target_BS).to_type(mask_BS.dtype) * mask_BS;
        Tensor kd_BS = LogitDivergence.Of(
            options.Kind, student.Logits_BTV.narrow(1, 0, s), judged_BSV, options.Temperature, options.TeacherTemperature, options.SkewLambda, options.AdaptiveAlpha);
        Tensor kd = (kd_BS * right_BS).sum() / (right_BS.sum() + Epsilon * mask_BS.numel());

        Tensor teacherMask_BR = teacher.Counts_BT.narrow(1, 1, r).to_type(mask_BS.dtype);
        Tensor back_BR = LogitDivergence.Of(
            LogitDivergenceKind.ForwardKl, inTeacher_BRV, teacher.Logits_BTV.narrow(1, 0, r), options.Temperature, teacherTemperature: 1, 0, 0);
        return new DskdTerms((ce_BS * mask_BS).sum(), kd, (back_BR * teacherMask_BR).sum());
    }

    // Divided by the population standard deviation over everything, padding included.
    private static Tensor Standard(Tensor x) => x / x.detach().flatten().@var(0, unbiased: false).sqrt();
}

/// <summary>What the divergence of DSKD is: the options of the definition without their weights.</summary>
/// <param name="MaskUnused">
/// Whether ids that no student token has are out of the teacher's distribution in the student's space. The reference leaves them
/// in, where forward KL against a padded vocabulary has no finite value.
/// </param>
internal sealed record DskdDivergence(
    LogitDivergenceKind Kind, double Temperature, double TeacherTemperature, double SkewLambda, double AdaptiveAlpha, bool MaskUnused = true);

/// <summary>The student's side: hidden states of the embedding output and the last layer, logits, output embeddings, tokens and masks.</summary>
internal sealed record DskdStudent(
    Tensor First_BTH, Tensor Last_BTH, Tensor Logits_BTV, Tensor Embeddings_VH, Tensor Ids_BT, Tensor Real_BT, Tensor Counts_BT, Tensor? Unused_V);

/// <summary>The teacher's side; constant.</summary>
internal sealed record DskdTeacher(Tensor First_BTH, Tensor Last_BTH, Tensor Logits_BTV, Tensor Embeddings_VH, Tensor Real_BT, Tensor Counts_BT);

/// <param name="Query">[2 Hs] → [2 Ht].</param>
/// <param name="ToTeacher">[Hs] → [Ht].</param>
/// <param name="ToStudent">[Ht] → [Hs].</param>
internal sealed record DskdProjectors(Projector Query, Projector ToTeacher, Projector ToStudent);

/// <param name="CrossEntropySum">Σ over student targets: the teacher's states, seen through the student's head, predict the text.</param>
/// <param name="Distillation">Mean over the positions where they predict it rightly.</param>
/// <param name="BackSum">Σ over teacher targets: the student's states, seen through the teacher's head.</param>
internal sealed record DskdTerms(Tensor CrossEntropySum, Tensor Distillation, Tensor BackSum);
