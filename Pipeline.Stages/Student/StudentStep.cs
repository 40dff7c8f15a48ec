using Pipeline.Contracts.Records;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// Forward and backward pass of one batch. Where the objectives are combined by their gradients, the graph is cut at the input of the last layer
/// ("Several objectives" in docs/method.md). Each objective goes back through the head and that one layer alone, the gradients are combined there,
/// and a single backward pass continues below. To be used on the device's thread. B rows, T positions, H hidden size, V vocabulary, N = B T, R tokens
/// that are not padding, K objectives.
/// </summary>
internal sealed class StudentStep(
    LanguageModel student, IReadOnlyList<IObjective> objectives, IGradientCombination rule, bool activationCheckpointing, OnlineTeacher? teacher = null)
{
    private const ObjectiveNeeds Scores = ObjectiveNeeds.LogLikelihood | ObjectiveNeeds.LogBoundary | ObjectiveNeeds.NextBytes;

    private readonly CausalLm _model = student.Model;
    private readonly ObjectiveNeeds _needs = objectives.Aggregate(ObjectiveNeeds.None, (all, o) => all | o.Needs);
    private readonly ByteVocabulary? _bytes = objectives.Any(o => o.Needs.HasFlag(ObjectiveNeeds.NextBytes)) ? StudentBytes.VocabularyOf(student) : null;
    private readonly int _depth = student.Model.Config.Layers;
    private readonly int[] _lowerLayers =
        [.. objectives.SelectMany(o => o.Layers).Select(l => Layer(l, student.Model.Config.Layers)).Where(l => l < student.Model.Config.Layers).Distinct().Order()];

    /// <summary>
    /// Whether the head's own gradient can be computed once, from the combined gradient, for all objectives that read scores. That is so where no
    /// rule reads this gradient.
    /// </summary>
    private bool LeavesHead => _model.HeadWeight.requires_grad && student.LastLayerParameters.Length > 0 && !rule.Projects;

    /// <summary>Adds the gradients of a batch to those that the parameters hold.</summary>
    /// <param name="batch">B rows.</param>
    /// <param name="tables">What the objectives read of these rows.</param>
    /// <param name="stepTables">The tables of all batches of the step, for objectives that read them.</param>
    /// <param name="counts">[K] the divisor of each objective's sum: its count over all batches of the step.</param>
    /// <param name="step">How many steps were done before. The objectives' own weight schedules depend on it.</param>
    /// <param name="weights">[K] the weights that the rule gave earlier in this step. Null for the first batch of a step, which decides them.</param>
    /// <param name="shared">Exchanges the weights with other ranks; null for a process that trains alone.</param>
    /// <returns>The batch's share of the step's losses, and the weights.</returns>
    public StepLosses Accumulate(
        StudentBatch batch, BatchTables tables, IReadOnlyList<BatchTables> stepTables, double[] counts, long step, double[]? weights, StepWeights? shared = null)
    {
        using var scope = NewDisposeScope();
        BatchTensors tensors = BatchTensors.Of(Array.ConvertAll(batch.Examples, e => e.Student.Ids), student.Device);
        // Disposed only after the backward pass, because recomputed layers read it again.
        using AttentionContext attention = _model.CreateAttention(batch.Examples.Length, batch.Length, lengths: tensors.Lengths);
        CutGraph? cut = objectives.Count > 1 && rule.NeedsGradients
            ? new CutGraph(student.LastLayerParameters, [.. HeadParameters(), .. objectives.SelectMany(o => o.Parameters).Select(p => p.Value)])
            : null;
        Dictionary<int, Tensor> hidden = Forward(tensors, attention, cut);
        ObjectiveInputs inputs = Inputs(tables, stepTables, tensors, hidden, teacher?.Run(batch.Examples), cut);

        Tensor[] losses = [.. objectives.Select((o, k) => Mean(o.Compute(inputs).Sum.to_type(ScalarType.Float32), counts[k]))];
        double[] values = Array.ConvertAll(losses, loss => (double)loss.item<float>());
        double[] preferences = [.. objectives.Select(o => o.Weight.At(step))];
        return cut is null ? Together(losses, values, preferences, weights) : Apart(cut, losses, values, preferences, weights, shared);
    }

    private IEnumerable<Tensor> HeadParameters()
    {
        bool isReadWhole = _needs.HasFlag(ObjectiveNeeds.Logits);
        return student.HeadParameters.Where(p => isReadWhole || !LeavesHead || !ReferenceEquals(p, _model.HeadWeight));
    }

    /// <summary>Hidden states [B, T, H] by layer: those that the objectives read, and the output of the last layer after the final norm.</summary>
    private Dictionary<int, Tensor> Forward(BatchTensors tensors, AttentionContext attention, CutGraph? cut)
    {
        Tensor embedded_BTH = student.Embed(tensors.Ids_BT);
        List<Tensor>? states = _lowerLayers.Length > 0 ? [embedded_BTH] : null;
        Tensor x_BTH = _model.RunLayers(embedded_BTH, 0, _depth - 1, attention, activationCheckpointing, states);
        Tensor top_BTH = cut?.Cut(x_BTH) ?? x_BTH;
        Dictionary<int, Tensor> hidden = _lowerLayers.ToDictionary(l => l, l => l == _depth - 1 ? top_BTH : cut?.Cut(states![l]) ?? states![l]);
        // The last layer is never recomputed. Recomputation runs a backward pass inside the backward pass, which cannot return the gradients of one
        // objective alone.
        hidden[_depth] = _model.FinalNorm(_model.RunLayers(top_BTH, _depth - 1, _depth, attention));
        return hidden;
    }

    /// <summary>One backward pass of the weighted sum of the losses.</summary>
    private StepLosses Together(Tensor[] losses, double[] values, double[] preferences, double[]? weights)
    {
        // A single objective needs no rule: whatever its gradient is divided by, AdamW divides by the size of the gradient anyway.
        weights ??= rule.NeedsGradients ? [1.0] : rule.Weights(values, new double[losses.Length]);
        Tensor total = losses[0] * (weights[0] * preferences[0]);
        for (int k = 1; k < losses.Length; k++) total += losses[k] * (weights[k] * preferences[k]);
        BackwardFailure.Run(() => total.backward());
        return new StepLosses(values, weights);
    }

    /// <summary>A backward pass of each loss through the upper half of the graph, and then one through the lower half.</summary>
    private StepLosses Apart(CutGraph cut, Tensor[] losses, double[] values, double[] preferences, double[]? weights, StepWeights? shared)
    {
        Tensor[][] gradients = [.. losses.Select((loss, k) => cut.Gradients(loss, retain: k + 1 < losses.Length))];
        weights ??= shared?.FromElsewhere();
        if (weights is null)
        {
            CombinedGradient result = GradientCombination.Combine(rule, values, preferences, gradients, cut.Deciding);
            weights = [.. result.Weights.Zip(preferences, (w, p) => p == 0 ? 0 : w / p)];
            shared?.Tell(weights);
            cut.Add(result.Gradients_P);
        }
        else
        {
            IReadOnlyList<IReadOnlyList<Tensor>> projected = rule.Projects ? rule.Project(gradients) : gradients;
            cut.Add(GradientCombination.WeightedSum(projected, [.. weights.Zip(preferences, (w, p) => w * p)]));
        }
        cut.GoOn();
        return new StepLosses(values, weights);
    }

    private ObjectiveInputs Inputs(
        BatchTables tables, IReadOnlyList<BatchTables> stepTables, BatchTensors tensors, Dictionary<int, Tensor> hidden, TeacherInputs? online, CutGraph? cut)
    {
        Tensor last_BTH = hidden[_depth];
        bool logits = _needs.HasFlag(ObjectiveNeeds.Logits);
        HeadScores? scores = (_needs & Scores) == 0 ? null : Score(last_BTH, tensors, tables, cut);
        return new ObjectiveInputs
        {
            Tables = tables,
            Step = stepTables,
            LogLikelihood_N = scores is null ? null : tensors.LogLikelihood_N(scores.LogLikelihood),
            LogBoundary_N = scores?.LogBoundary is { } boundary_R ? tensors.LogBoundary_N(boundary_R) : null,
            Hidden_NH = objectives.SelectMany(o => o.Layers).Distinct()
                .ToDictionary(l => l, l => hidden[Layer(l, _depth)].reshape(-1, _model.Config.HiddenSize).to_type(ScalarType.Float32)),
            Logits_NV = logits ? OnlineTeacher.Logits(_model, last_BTH.view(-1, _model.Config.HiddenSize), student.ValidRows) : null,
            OutputEmbeddings_VH = logits ? _model.HeadWeight.to_type(ScalarType.Float32) : null,
            ByteDivergence = scores?.Reading?.sum(),
            Teacher = online,
        };
    }

    private HeadScores Score(Tensor last_BTH, BatchTensors tensors, BatchTables tables, CutGraph? cut)
    {
        bool isLeft = cut is not null && LeavesHead;
        PlaceOrder? order = _bytes is null ? null : new PlaceOrder(_bytes, student.ValidRows, student.Device);
        Tensor last_RH = last_BTH.view(-1, _model.Config.HiddenSize).index_select(0, tensors.Real_R);
        Tensor head_VH = isLeft ? _model.HeadWeight.detach() : _model.HeadWeight, targets_R = tensors.Targets_R;
        Tensor? boundary_V = _needs.HasFlag(ObjectiveNeeds.LogBoundary) ? student.BoundaryMask_V : null;
        if (order is not null)
            (head_VH, targets_R, boundary_V) = (order.Sorted(head_VH), order.PlacesOf(targets_R), boundary_V is null ? null : order.Sorted(boundary_V));
        HeadScores scores = VocabularyHead.Score(last_RH, head_VH, targets_R, new HeadOptions(_model.Config.FinalSoftcap, student.ValidRows, boundary_V, ManyLosses: cut is not null)
        {
            HeadLater = isLeft,
            Reading = _bytes is null ? null : new ByteDivergence(_bytes, tables.Bytes!, tensors.Real_R.cpu().data<long>().ToArray()),
        });
        if (isLeft) cut!.LeaveHead(scores, _model.HeadWeight, order);
        return scores;
    }

    private static int Layer(int layer, int depth) => layer < 0 ? depth + 1 + layer : layer;

    private static Tensor Mean(Tensor sum, double count) => count > 0 ? sum / count : sum * 0;
}

/// <param name="Losses">[K] for each objective, the batch's sum divided by the count of the whole step.</param>
/// <param name="Weights">[K] the weights of the rule, without the user's own.</param>
internal sealed record StepLosses(double[] Losses, double[] Weights);
