using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>How far apart the positive and the negative activations at one place are, judged by the means μ⁺ and μ⁻ of the two classes.</summary>
/// <param name="Signature">
/// The sum of the singular values of [μ⁻, μ⁺], which is the reference's measure. It grows with the length of the means, so late layers always come
/// first.
/// </param>
/// <param name="Contrast">‖μ⁺ − μ⁻‖ / sqrt(½(‖μ⁻‖² + ‖μ⁺‖²)), which does not depend on this length.</param>
internal readonly record struct LayerSignature(double Signature, double Contrast)
{
    public static LayerSignature Of(SpectralSums sums)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor positive = sums.PositiveTotal / (double)sums.Count, negative = sums.NegativeTotal / (double)sums.Count;
        double Dot(Tensor x, Tensor y) => x.dot(y).ToDouble();
        (double a, double b, double c) = (Dot(negative, negative), Dot(negative, positive), Dot(positive, positive));
        double signature = Math.Sqrt(a + c + (2 * Math.Sqrt(Math.Max(0, (a * c) - (b * b)))));
        double size = Math.Sqrt(0.5 * (a + c));
        return new(signature, size == 0 ? 0 : (positive - negative).norm().ToDouble() / size);
    }
}
