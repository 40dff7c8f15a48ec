namespace Pipeline.Stages.Objectives.Combine;

/// <summary>Weights as functions of the gradient norms of one step.</summary>
internal static class GradientWeights
{
    /// <summary>Keeps an objective whose gradient vanishes from a division by zero; the reference's value.</summary>
    private const double Epsilon = 1e-8;

    /// <summary>GradMag: w_k = 1 / (‖g_k‖ + ε).</summary>
    public static double[] InverseNorms(double[] norms) => [.. norms.Select(norm => norm == 0 ? 0 : 1 / (norm + Epsilon))];

    /// <summary>GradMag divided by its sum.</summary>
    public static double[] InverseNormShares(double[] norms)
    {
        double[] weights = InverseNorms(norms);
        double sum = weights.Sum();
        return sum == 0 ? weights : [.. weights.Select(w => w / sum)];
    }

    /// <summary>w_k = M / max(‖g_k‖, M).</summary>
    public static double[] Clip(double[] norms, double maximum) => [.. norms.Select(norm => maximum / Math.Max(norm, maximum))];
}
