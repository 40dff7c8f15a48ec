using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Makes a <see cref="HeadPass"/> known to autograd. An exception in <see cref="backward"/> is kept until the backward pass is over, see
/// <see cref="BackwardFailure"/>.
/// </summary>
internal sealed class HeadFunction : autograd.MultiTensorFunction<HeadFunction>
{
    public override string Name => nameof(VocabularyHead);

    /// <summary>The scores of a pass that has been run, with a graph behind them.</summary>
    public static List<Tensor> Run(HeadPass pass, Tensor hidden_NH, Tensor head_VH)
        => apply(hidden_NH, head_VH, new State(pass, hidden_NH.requires_grad, head_VH.requires_grad));

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        State state = (State)vars[2];
        ctx.save_data("state", state);
        ctx.set_materialize_grads(false);
        // Copies, because the tensors that are returned belong to the graph.
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
