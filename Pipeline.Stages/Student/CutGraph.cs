using Pipeline.Stages.Models;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// The graph of a batch, cut in two: below the cut it is gone through once, whatever the number of losses; above it, once for each loss.
/// It holds what comes out of the lower half (outputs), where the upper half begins (leaves), and the parameters of the upper half.
/// The head's own gradient costs more than the head's work forward: where no rule looks at it, it is computed once, from the losses'
/// combined gradient by the head's scores.
/// </summary>
/// <param name="normed">Parameters above the cut by whose gradients losses are weighed.</param>
/// <param name="others">The other parameters above the cut.</param>
internal sealed class CutGraph(Tensor[] normed, Tensor[] others)
{
    private readonly List<Tensor> _outputs = [];
    private readonly List<Tensor> _leaves = [];
    private HeadScores? _scores;
    private Tensor? _head;
    private PlaceOrder? _order;
    private Tensor[] _combined = [];

    /// <summary>How many of the gradients, from the first on, decide the weights; all where nothing of the layer above the cut is trained.</summary>
    public int Deciding => normed.Length > 0 ? normed.Length : Tensors.Length;

    private int Parameters => normed.Length + others.Length;

    private Tensor[] Tensors => [.. normed, .. others, .. _leaves, .. Scores];

    private IReadOnlyList<Tensor> Scores => _scores?.All ?? [];

    /// <summary>Cuts the graph at a tensor of the lower half: what continues above it.</summary>
    public Tensor Cut(Tensor output)
    {
        Tensor leaf = output.detach().requires_grad_(true);
        _outputs.Add(output);
        _leaves.Add(leaf);
        return leaf;
    }

    /// <summary>Leaves the gradient of a head, none of the parameters here, until those of the losses are one.</summary>
    /// <param name="scores">Of a graph without the head.</param>
    /// <param name="head_VH">Gets the gradient.</param>
    /// <param name="order">Order of the head's rows behind the scores; null: as they are.</param>
    public void LeaveHead(HeadScores scores, Tensor head_VH, PlaceOrder? order) => (_scores, _head, _order) = (scores, head_VH, order);

    /// <summary>A loss's gradients at everything above the cut: deciding parameters first, then the others, then the leaves.</summary>
    /// <param name="loss">A scalar of the upper half.</param>
    /// <param name="retain">Whether another loss follows.</param>
    public Tensor[] Gradients(Tensor loss, bool retain)
    {
        Tensor[] gradients = TorchScripts.Gradients(loss, Tensors, retain);
        BackwardFailure.ThrowIfAny();
        return gradients;
    }

    /// <summary>Adds one gradient, made of those of the losses, to the parameters' own; <see cref="GoOn"/> takes the rest of it.</summary>
    public void Add(IReadOnlyList<Tensor> combined)
    {
        Tensor[] parameters = [.. normed, .. others];
        for (int p = 0; p < parameters.Length; p++) AddGradient(parameters[p], combined[p]);
        _combined = [.. combined.Skip(Parameters).Take(_leaves.Count)];
        if (_scores is null) return;
        Tensor gradient_VH = HeadGradient.OfHead(_scores.Pass, [.. combined.Skip(Parameters + _leaves.Count)]);
        AddGradient(_head!, _order?.Unsorted(gradient_VH, _head!) ?? gradient_VH);
    }

    /// <summary>Goes back through the lower half, once.</summary>
    public void GoOn()
    {
        (Tensor Output, Tensor Gradient)[] trained = [.. _outputs.Zip(_combined).Where(pair => pair.First.requires_grad)];
        if (trained.Length == 0) return;
        autograd.backward([.. trained.Select(pair => pair.Output)], [.. trained.Select(pair => pair.Gradient)]);
        BackwardFailure.ThrowIfAny();
    }

    private static void AddGradient(Tensor parameter, Tensor gradient)
    {
        using var quiet = no_grad();
        if (parameter.grad is { } held) held.add_(gradient);
        else parameter.grad = gradient;
    }
}
