using Pipeline.Stages.Models;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// The graph of a batch, cut in two. The upper half is gone back through once for each loss, and the lower half only once. This class knows the
/// outputs of the lower half, the leaves where the upper half begins, and the parameters of the upper half. The head's own gradient costs more than
/// its forward pass. Where no rule reads it, it is computed once, from the combined gradient with respect to the head's scores.
/// </summary>
/// <param name="normed">The parameters above the cut whose gradient norms decide the weights of the losses.</param>
/// <param name="others">The other parameters above the cut.</param>
internal sealed class CutGraph(Tensor[] normed, Tensor[] others)
{
    private readonly List<Tensor> _outputs = [];
    private readonly List<Tensor> _leaves = [];
    private HeadScores? _scores;
    private Tensor? _head;
    private PlaceOrder? _order;
    private Tensor[] _leafGradients = [];

    /// <summary>
    /// How many of the gradients decide the weights, counted from the first. It is all of them where nothing in the layer above the cut is trained.
    /// </summary>
    public int Deciding => normed.Length > 0 ? normed.Length : Tensors.Length;

    private int Parameters => normed.Length + others.Length;

    private Tensor[] Tensors => [.. normed, .. others, .. _leaves, .. Scores];

    private IReadOnlyList<Tensor> Scores => _scores?.All ?? [];

    /// <summary>Cuts the graph at a tensor of the lower half.</summary>
    /// <returns>A leaf with the same values, from which the upper half continues.</returns>
    public Tensor Cut(Tensor output)
    {
        Tensor leaf = output.detach().requires_grad_(true);
        _outputs.Add(output);
        _leaves.Add(leaf);
        return leaf;
    }

    /// <summary>
    /// Has the head's gradient through these scores computed in <see cref="Add"/>, from the combined gradient, instead of once for each loss.
    /// </summary>
    /// <param name="scores">Scores that were computed with a head that is not in the graph.</param>
    /// <param name="head_VH">
    /// The parameter that gets the gradient. If an objective also reads whole logits, it is among the parameters above the cut too, and gets both.
    /// </param>
    /// <param name="order">The order of the head's rows that the scores were computed in; null for the order of ids.</param>
    public void LeaveHead(HeadScores scores, Tensor head_VH, PlaceOrder? order) => (_scores, _head, _order) = (scores, head_VH, order);

    /// <summary>
    /// The gradients of a loss with respect to everything above the cut, in this order: the parameters that decide the weights, the other parameters,
    /// the leaves, and the head's scores.
    /// </summary>
    /// <param name="loss">A scalar in the upper half.</param>
    /// <param name="retain">Whether the graph is kept for another loss.</param>
    public Tensor[] Gradients(Tensor loss, bool retain)
    {
        Tensor[] gradients = [];
        BackwardFailure.Run(() => gradients = TorchScripts.Gradients(loss, Tensors, retain));
        return gradients;
    }

    /// <summary>
    /// Adds the combined gradients of the upper half's parameters to those that they hold. <see cref="GoOn"/> then continues from the leaves.
    /// </summary>
    /// <param name="combined">Combined gradients, in the order of <see cref="Gradients"/>.</param>
    public void Add(IReadOnlyList<Tensor> combined)
    {
        Tensor[] parameters = [.. normed, .. others];
        for (int p = 0; p < parameters.Length; p++) AddGradient(parameters[p], combined[p]);
        _leafGradients = [.. combined.Skip(Parameters).Take(_leaves.Count)];
        if (_scores is null) return;
        Tensor gradient_VH = HeadGradient.OfHead(_scores.Pass, [.. combined.Skip(Parameters + _leaves.Count)]);
        AddGradient(_head!, _order?.Unsorted(gradient_VH, _head!) ?? gradient_VH);
    }

    /// <summary>Goes back through the lower half, once. To be called after <see cref="Add"/>.</summary>
    public void GoOn()
    {
        (Tensor Output, Tensor Gradient)[] trained = [.. _outputs.Zip(_leafGradients).Where(pair => pair.First.requires_grad)];
        if (trained.Length == 0) return;
        BackwardFailure.Run(() => autograd.backward([.. trained.Select(pair => pair.Output)], [.. trained.Select(pair => pair.Gradient)]));
    }

    private static void AddGradient(Tensor parameter, Tensor gradient)
    {
        using var quiet = no_grad();
        if (parameter.grad is { } held) held.add_(gradient);
        else parameter.grad = gradient;
    }
}
