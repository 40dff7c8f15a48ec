using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Combine;

/// <summary>
/// A rule by which the gradients of K objectives become one ("Several objectives" in docs/method.md). The objectives have everything below the last
/// layer in common. The trainer therefore cuts the graph at that layer's input, and passes each objective's gradients with respect to the trained
/// parameters above the cut and to the hidden states at it. In place of the head's weight it may pass the scores that the head gave. Below the cut,
/// one backward pass goes on with the combined gradient. Norms are taken over the last layer alone. See <see cref="GradientCombination.Combine"/>.
/// </summary>
internal interface IGradientCombination
{
    /// <summary>Whether the rule reads gradients at all. If not, one backward pass of the weighted sum of the losses is enough.</summary>
    bool NeedsGradients { get; }

    /// <summary>Whether <see cref="Project"/> changes gradients.</summary>
    bool Projects { get; }

    /// <summary>Changes the gradients before they are weighted, tensor by tensor.</summary>
    /// <param name="gradients_KP">[K][P] gradients; the result has the same shapes.</param>
    IReadOnlyList<IReadOnlyList<Tensor>> Project(IReadOnlyList<IReadOnlyList<Tensor>> gradients_KP);

    /// <summary>[K] the weight of each objective in this step. If the rule has a state, it advances: call this once a step.</summary>
    /// <param name="losses">[K] mean losses of the step.</param>
    /// <param name="norms">
    /// [K] norms of the gradients with respect to the trained parameters of the last layer, after any projection. Where that layer has none, the norms
    /// are over everything that the trainer passes. Not read where <see cref="NeedsGradients"/> is false.
    /// </param>
    double[] Weights(ReadOnlySpan<double> losses, ReadOnlySpan<double> norms);

    /// <summary>What a checkpoint must store; empty for a rule without state.</summary>
    double[] SaveState();

    /// <summary>Continues from what <see cref="SaveState"/> returned.</summary>
    void RestoreState(ReadOnlySpan<double> state);
}
