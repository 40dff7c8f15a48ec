using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Combine;

/// <summary>
/// PCGrad, the projection of conflicting gradients (arXiv 2001.06782). As in the reference it works tensor by tensor, and takes the objectives in
/// their order.
/// </summary>
internal static class Pcgrad
{
    /// <summary>Keeps the projection onto a gradient that is nearly zero finite. The reference has the same value.</summary>
    private const double SmallestSquare = 1e-8;

    /// <summary>
    /// g_i ← g_i - min(0, ⟨g_i, g_j⟩) g_j / ‖g_j‖² for every j ≠ i. The dot products are those of the original gradients.
    /// </summary>
    /// <param name="gradients_KP">[K][P] gradients, which stay as they are.</param>
    /// <returns>[K][P] the projected gradients.</returns>
    public static IReadOnlyList<IReadOnlyList<Tensor>> Project(IReadOnlyList<IReadOnlyList<Tensor>> gradients_KP)
    {
        int tasks = gradients_KP.Count, tensors = gradients_KP[0].Count;
        var projected = new Tensor[tasks][];
        for (int i = 0; i < tasks; i++)
            projected[i] = new Tensor[tensors];
        for (int p = 0; p < tensors; p++)
        {
            for (int i = 0; i < tasks; i++)
            {
                Tensor result = gradients_KP[i][p].clone();
                for (int j = 0; j < tasks; j++)
                {
                    if (j == i)
                        continue;
                    double conflict = Math.Min(0, Dot(gradients_KP[i][p], gradients_KP[j][p]));
                    if (conflict < 0)
                        result.add_(gradients_KP[j][p], -conflict / Math.Max(Dot(gradients_KP[j][p], gradients_KP[j][p]), SmallestSquare));
                }
                projected[i][p] = result;
            }
        }
        return projected;
    }

    private static double Dot(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        return (a * b).sum(ScalarType.Float64).item<double>();
    }
}
