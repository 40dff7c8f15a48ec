using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>The alignment of hidden states at chunk ends. C chunks, H channels of the teacher.</summary>
internal static class LatentLoss
{
    /// <summary>Avoids a division by zero in a channel where the teacher is 0 throughout. The reference has the same value.</summary>
    public const double Epsilon = 1e-8;

    /// <summary>
    /// Σ_C mean_H d(s, t) / D: a scalar. d is the squared or the absolute difference. D is the teacher's mean d(t, 0), by channel or over all channels.
    /// </summary>
    /// <param name="teacher_CH">The teacher's states; constant.</param>
    /// <param name="student_CH">The student's states, projected to the teacher's width where the widths differ.</param>
    /// <param name="scale_H">D, [H] or [1]; see <see cref="Scale"/>.</param>
    /// <param name="normalization">Which d.</param>
    public static Tensor Sum(Tensor teacher_CH, Tensor student_CH, Tensor scale_H, LatentNormalization normalization)
    {
        Tensor difference_CH = student_CH - teacher_CH;
        Tensor distance_CH = Squares(normalization) ? difference_CH.square() : difference_CH.abs();
        return (distance_CH / scale_H).sum() / teacher_CH.size(1);
    }

    /// <summary>D over the chunks of one batch: [H] by channel, [1] over all channels.</summary>
    public static Tensor Scale(Tensor teacher_CH, LatentNormalization normalization)
    {
        Tensor size_CH = Squares(normalization) ? teacher_CH.square() : teacher_CH.abs();
        Tensor mean_H = Channelwise(normalization) ? size_CH.mean([0]) : size_CH.mean().unsqueeze(0);
        return mean_H + Epsilon;
    }

    /// <summary>Whether d is the squared difference.</summary>
    public static bool Squares(LatentNormalization normalization) => normalization is LatentNormalization.L2 or LatentNormalization.L2Channelwise;

    /// <summary>Whether D is one number for each channel.</summary>
    public static bool Channelwise(LatentNormalization normalization)
        => normalization is LatentNormalization.L2Channelwise or LatentNormalization.L1Channelwise;
}
