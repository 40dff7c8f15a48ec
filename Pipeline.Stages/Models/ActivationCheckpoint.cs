using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Runs a part of the network without keeping its activations, and computes them again in the backward pass (Chen et al. 2016).
/// </summary>
internal static class ActivationCheckpoint
{
    /// <summary>Runs a part of the network, with a checkpoint at its input if anything in it needs a gradient.</summary>
    /// <param name="body">Computes the output from the input. It is called again in the backward pass, and must compute the same.</param>
    /// <param name="x">The input.</param>
    /// <param name="anchor">Any trainable parameter of the body. It makes autograd go back through the output even if the input needs no gradient.</param>
    public static Tensor Run(Func<Tensor, Tensor> body, Tensor x, Tensor anchor)
        => is_grad_enabled() && (x.requires_grad || anchor.requires_grad) ? Recompute.apply(x, anchor, body) : body(x);

    private sealed class Recompute : autograd.SingleTensorFunction<Recompute>
    {
        public override string Name => nameof(ActivationCheckpoint);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            Tensor x = (Tensor)vars[0];
            ctx.save_for_backward([x]);
            ctx.save_data("body", vars[2]);
            ctx.set_materialize_grads(false);
            return ((Func<Tensor, Tensor>)vars[2])(x);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
            => BackwardFailure.Catch(3, () => Gradients(ctx, grad_output));

        private static List<Tensor> Gradients(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using DisposeScope scope = NewDisposeScope();
            if (grad_output.IsInvalid)
                return BackwardResults.Return(null, null, null);
            using IDisposable recording = enable_grad();
            Tensor saved = ctx.get_saved_variables()[0];
            Tensor x = saved.detach().requires_grad_(saved.requires_grad);
            Tensor y = ((Func<Tensor, Tensor>)ctx.get_data("body"))(x);
            BackwardFailure.Run(() => y.backward([grad_output]));
            grad_output.Dispose();
            return BackwardResults.Return(x.grad, null, null);
        }
    }
}
