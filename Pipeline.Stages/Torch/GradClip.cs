using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>Clipping by the global norm of all gradients together.</summary>
internal static class GradClip
{
    /// <summary>
    /// The 2-norm of all gradients as one vector; scales them by maximum/(norm + 1e-6) when that is below 1. Not finite: returned as it
    /// is and nothing is scaled, so that the caller can skip the step.
    /// </summary>
    /// <param name="parameters">Parameters; those without a gradient are passed over.</param>
    /// <param name="maximum">The largest norm; infinity only measures.</param>
    public static double Apply(IEnumerable<Tensor> parameters, double maximum)
    {
        using DisposeScope scope = NewDisposeScope();
        return ApplyTo([.. parameters.Select(parameter => parameter.grad).OfType<Tensor>()], maximum);
    }

    /// <summary>The same of gradients that are not at their parameters.</summary>
    public static double ApplyTo(Tensor[] gradients, double maximum)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (gradients.Length == 0)
            return 0;
        Tensor norm = linalg.norm(stack(TorchScripts.Norms(gradients).Select(each => each.to(ScalarType.Float32))));
        double value = norm.item<float>();
        // The 1e-6 is PyTorch's own, kept so that clipped runs compare.
        double factor = maximum / (value + 1e-6);
        if (double.IsFinite(value) && factor < 1)
            TorchScripts.Multiply(gradients, tensor((float)factor, device: norm.device));
        return value;
    }
}
