namespace Pipeline.Stages.Objectives.Combine;

/// <summary>Weights of K objectives as functions of the norms of their gradients in one step.</summary>
internal static class GradientWeights
{
    /// <summary>Limits the weight of an objective whose gradient is nearly zero. The reference has the same value.</summary>
    private const double Epsilon = 1e-8;

    /// <summary>GradMag: w_k = 1 / (‖g_k‖ + ε), and 0 where the gradient is exactly zero.</summary>
    public static double[] InverseNorms(double[] norms) => [.. norms.Select(norm => norm == 0 ? 0 : 1 / (norm + Epsilon))];

    /// <summary>The weights of GradMag divided by their sum.</summary>
    public static double[] InverseNormShares(double[] norms)
    {
        double[] weights = InverseNorms(norms);
        double sum = weights.Sum();
        return sum == 0 ? weights : [.. weights.Select(w => w / sum)];
    }

    /// <summary>Clipping to a largest norm M: w_k = M / max(‖g_k‖, M).</summary>
    public static double[] Clip(double[] norms, double maximum) => [.. norms.Select(norm => maximum / Math.Max(norm, maximum))];
}
