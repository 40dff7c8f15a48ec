using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>A <see cref="HeadPass"/> for autograd. What <see cref="backward"/> throws waits until the pass is over.</summary>
internal sealed class HeadFunction : autograd.MultiTensorFunction<HeadFunction>
{
    public override string Name => nameof(VocabularyHead);

    public static List<Tensor> Run(HeadPass pass, Tensor hidden_NH, Tensor head_VH)
        => apply(hidden_NH, head_VH, new State(pass, hidden_NH.requires_grad, head_VH.requires_grad));

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        State state = (State)vars[2];
        ctx.save_data("state", state);
        ctx.set_materialize_grads(false);
        // Copies: what is handed out belongs to the graph.
        return [.. state.Pass.Scores.Select(scores => scores.clone())];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
        => BackwardFailure.Catch(3, () => Gradients((State)ctx.get_data("state"), grad_outputs));

    private static List<Tensor> Gradients(State state, List<Tensor> grad_outputs)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor? hidden_NH, Tensor? head_VH) = HeadGradient.Compute(
            state.Pass, [.. grad_outputs.Select(given => given.IsInvalid ? null : given)], state.NeedsHidden, state.NeedsHead);
        foreach (Tensor given in grad_outputs.Where(given => !given.IsInvalid))
            given.Dispose();
        return BackwardResults.Return(hidden_NH, head_VH, null);
    }

    private sealed record State(HeadPass Pass, bool NeedsHidden, bool NeedsHead);
}
