using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Combine;

/// <summary>A rule without state.</summary>
/// <param name="pcgrad">Whether conflicting gradients are projected first.</param>
/// <param name="weights">Computes the weights from the norms of the step. Null: every weight is 1.</param>
internal sealed class WeightRule(bool pcgrad, Func<double[], double[]>? weights) : IGradientCombination
{
    public bool NeedsGradients => pcgrad || weights is not null;

    public bool Projects => pcgrad;

    public IReadOnlyList<IReadOnlyList<Tensor>> Project(IReadOnlyList<IReadOnlyList<Tensor>> gradients_KP)
        => pcgrad ? Pcgrad.Project(gradients_KP) : gradients_KP;

    public double[] Weights(ReadOnlySpan<double> losses, ReadOnlySpan<double> norms)
    {
        if (weights is not null)
            return weights(norms.ToArray());
        var ones = new double[losses.Length];
        Array.Fill(ones, 1);
        return ones;
    }

    public double[] SaveState() => [];

    public void RestoreState(ReadOnlySpan<double> state)
    {
    }
}
