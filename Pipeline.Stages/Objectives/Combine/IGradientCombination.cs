using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Combine;

/// <summary>
/// How the gradients of K objectives become one. The trainer hands over, per objective, the gradients by the tensors where the
/// objectives part: the parameters of the head and of the last layer, and the last layer's input; below that input it goes on
/// with one backward pass of the combined gradient. See <see cref="GradientCombination.Combine"/>.
/// </summary>
internal interface IGradientCombination
{
    /// <summary>Whether the rule reads gradients at all; without, one backward pass of the weighted sum of losses is enough.</summary>
    bool NeedsGradients { get; }

    /// <summary>Whether <see cref="Project"/> changes gradients.</summary>
    bool Projects { get; }

    /// <summary>Changes the gradients before they are weighted, tensor by tensor. [K][tensors]; the result has the same shapes.</summary>
    IReadOnlyList<IReadOnlyList<Tensor>> Project(IReadOnlyList<IReadOnlyList<Tensor>> gradients_KP);

    /// <summary>
    /// The weight of each objective in this step. Advances the rule's state, if it has one: called once per step.
    /// </summary>
    /// <param name="losses">[K] mean losses of the step.</param>
    /// <param name="norms">
    /// [K] norms of the (projected) gradients at the parameters of the head and the last layer; not read when
    /// <see cref="NeedsGradients"/> is false.
    /// </param>
    double[] Weights(ReadOnlySpan<double> losses, ReadOnlySpan<double> norms);

    /// <summary>What a checkpoint must keep; empty for rules without state.</summary>
    double[] SaveState();

    void RestoreState(ReadOnlySpan<double> state);
}
