using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>Clips gradients by their global norm, which is that of all gradients together.</summary>
internal static class GradClip
{
    /// <summary>Computes the 2-norm of all gradients as one vector, and scales them by maximum/(norm + 1e-6) where this is below 1.</summary>
    /// <param name="parameters">The parameters. Those without a gradient are skipped.</param>
    /// <param name="maximum">The largest norm. With infinity, the norm is only measured.</param>
    /// <returns>The norm before scaling. If it is not finite, nothing is scaled, so that the caller can skip the step.</returns>
    public static double Apply(IEnumerable<Tensor> parameters, double maximum)
    {
        using DisposeScope scope = NewDisposeScope();
        return ApplyTo([.. parameters.Select(parameter => parameter.grad).OfType<Tensor>()], maximum);
    }

    /// <summary>The same for gradients that are not held by parameters.</summary>
    public static double ApplyTo(Tensor[] gradients, double maximum)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (gradients.Length == 0)
            return 0;
        Tensor norm = linalg.norm(stack(TorchScripts.Norms(gradients).Select(each => each.to(ScalarType.Float32))));
        double value = norm.item<float>();
        // The 1e-6 is PyTorch's, so that runs with clipping can be compared with it.
        double factor = maximum / (value + 1e-6);
        if (double.IsFinite(value) && factor < 1)
            TorchScripts.Multiply(gradients, tensor((float)factor, device: norm.device));
        return value;
    }
}
