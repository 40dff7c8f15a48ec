using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Combine;

/// <summary>
/// GradNorm (arXiv 1711.02257) over K objectives. The weights w are trained so that each w_k ‖g_k‖ comes close to the mean of all of them times
/// r_k^α. Here r_k is the objective's loss divided by its first loss, relative to the mean of these ratios. Each call makes one AdamW step and then
/// scales the weights to Σ w = K.
/// </summary>
internal sealed class GradNorm : IGradientCombination
{
    // The reference's optimizer. Its default settings are part of the rule.
    private const double Beta1 = 0.9, Beta2 = 0.999, AdamEpsilon = 1e-8, WeightDecay = 1e-4;

    private readonly double _alpha;
    private readonly double _rate;
    private readonly double[] _weights;
    private readonly double[] _firstLosses;
    private readonly double[] _mean;
    private readonly double[] _variance;
    private long _step;

    /// <param name="alpha">α: how strongly objectives that train slowly are favoured.</param>
    /// <param name="rate">The learning rate of the weights.</param>
    /// <param name="objectives">K.</param>
    public GradNorm(double alpha, double rate, int objectives)
    {
        _alpha = alpha;
        _rate = rate;
        _weights = new double[objectives];
        Array.Fill(_weights, 1);
        _firstLosses = new double[objectives];
        _mean = new double[objectives];
        _variance = new double[objectives];
    }

    public bool NeedsGradients => true;

    public bool Projects => false;

    public IReadOnlyList<IReadOnlyList<Tensor>> Project(IReadOnlyList<IReadOnlyList<Tensor>> gradients_KP) => gradients_KP;

    /// <summary>The weights of this step. The losses and norms of this step only change the weights of the next.</summary>
    public double[] Weights(ReadOnlySpan<double> losses, ReadOnlySpan<double> norms)
    {
        double[] used = [.. _weights];
        if (_step == 0)
            losses.CopyTo(_firstLosses);
        Step(WeightGradient(used, losses, norms, _firstLosses, _alpha));
        return used;
    }

    /// <summary>[K] ∂/∂w of mean_k |q_k - mean(q) r_k^α| with q_k = w_k ‖g_k‖. As in the reference, the gradient flows through mean(q) too.</summary>
    internal static double[] WeightGradient(
        ReadOnlySpan<double> weights, ReadOnlySpan<double> losses, ReadOnlySpan<double> norms, ReadOnlySpan<double> firstLosses, double alpha)
    {
        int k = weights.Length;
        double meanQ = 0, meanRatio = 0;
        for (int i = 0; i < k; i++)
        {
            meanQ += weights[i] * norms[i] / k;
            meanRatio += losses[i] / firstLosses[i] / k;
        }
        var target = new double[k];
        double throughMean = 0;
        var sign = new double[k];
        for (int i = 0; i < k; i++)
        {
            target[i] = Math.Pow(losses[i] / firstLosses[i] / meanRatio, alpha);
            sign[i] = Math.Sign(weights[i] * norms[i] - meanQ * target[i]);
            throughMean += sign[i] * target[i];
        }
        var gradient = new double[k];
        for (int i = 0; i < k; i++)
            gradient[i] = norms[i] / k * (sign[i] - throughMean / k);
        return gradient;
    }

    public double[] SaveState() => [_step, .. _weights, .. _firstLosses, .. _mean, .. _variance];

    public void RestoreState(ReadOnlySpan<double> state)
    {
        int k = _weights.Length;
        if (state.Length != 1 + 4 * k)
            throw new InvalidOperationException($"gradnorm state of {state.Length} numbers for {k} objectives, expected {1 + 4 * k}");
        _step = (long)state[0];
        state.Slice(1, k).CopyTo(_weights);
        state.Slice(1 + k, k).CopyTo(_firstLosses);
        state.Slice(1 + 2 * k, k).CopyTo(_mean);
        state.Slice(1 + 3 * k, k).CopyTo(_variance);
    }

    private void Step(double[] gradient)
    {
        _step++;
        double sum = 0;
        for (int i = 0; i < gradient.Length; i++)
        {
            _mean[i] = Beta1 * _mean[i] + (1 - Beta1) * gradient[i];
            _variance[i] = Beta2 * _variance[i] + (1 - Beta2) * gradient[i] * gradient[i];
            double mean = _mean[i] / (1 - Math.Pow(Beta1, _step)), variance = _variance[i] / (1 - Math.Pow(Beta2, _step));
            _weights[i] -= _rate * (mean / (Math.Sqrt(variance) + AdamEpsilon) + WeightDecay * _weights[i]);
            sum += _weights[i];
        }
        for (int i = 0; i < gradient.Length; i++)
            _weights[i] *= gradient.Length / sum;
    }
}
