using Pipeline.Contracts.Records;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// Forward and backward of one batch. Where objectives are combined by their gradients, the graph is cut at the input of the last
/// layer: each objective goes back through the head and that one layer alone, the gradients are combined there, and one backward pass
/// goes on below. Must be called on the device's thread.
/// </summary>
internal sealed class StudentStep(
    LanguageModel student, IReadOnlyList<IObjective> objectives, IGradientCombination rule, bool activationCheckpointing, OnlineTeacher? teacher = null)
{
    private readonly CausalLm _model = student.Model;
    private readonly ObjectiveNeeds _needs = objectives.Aggregate(ObjectiveNeeds.None, (all, o) => all | o.Needs);
    private readonly int _depth = student.Model.Config.Layers;

    /// <summary>Adds the batch's gradients to the parameters' own.</summary>
    /// <param name="batch">B rows.</param>
    /// <param name="tables">What the objectives read of the rows.</param>
    /// <param name="stepTables">Those of all batches of the step.</param>
    /// <param name="counts">[K] what each objective's sum is divided by: its count over all batches of the step.</param>
    /// <param name="step">For the objectives' own weight schedules.</param>
    /// <param name="weights">
    /// [K] the rule's weights of this step, or null for the first batch of a step, which decides them: a rule has one answer per step.
    /// </param>
    public StepLosses Accumulate(
        StudentBatch batch, BatchTables tables, IReadOnlyList<BatchTables> stepTables, double[] counts, long step, double[]? weights)
    {
        using var scope = NewDisposeScope();
        BatchTensors tensors = BatchTensors.Of(Array.ConvertAll(batch.Examples, e => e.Student.Ids), student.Device);
        bool split = objectives.Count > 1 && rule.NeedsGradients;

        // Lives until the backward pass is over: recomputed layers read it again.
        using AttentionContext attention = _model.CreateAttention(batch.Examples.Length, batch.Length);
        Tensor embedded_BTH = student.Embed(tensors.Ids_BT);
        int[] lower = [.. objectives.SelectMany(o => o.Layers).Select(Layer).Where(l => l < _depth).Distinct().Order()];
        List<Tensor>? below = lower.Length > 0 ? [embedded_BTH] : null;
        Tensor x_BTH = _model.RunLayers(embedded_BTH, 0, _depth - 1, attention, activationCheckpointing, below);
        Tensor top_BTH = split ? Leaf(x_BTH) : x_BTH;
        Dictionary<int, Tensor> hidden = lower.ToDictionary(l => l, l => l == _depth - 1 ? top_BTH : split ? Leaf(below![l]) : below![l]);

        // The last layer is never recomputed: a re-entrant backward cannot hand back the gradients of one objective alone.
        Tensor last_BTH = _model.FinalNorm(_model.RunLayers(top_BTH, _depth - 1, _depth, attention));
        hidden[_depth] = last_BTH;
        ObjectiveInputs inputs = Inputs(tables, stepTables, tensors, last_BTH, hidden, teacher?.Run(batch.Examples));

        var losses = new Tensor[objectives.Count];
        var values = new double[objectives.Count];
        var preferences = new double[objectives.Count];
        for (int k = 0; k < losses.Length; k++)
        {
            Tensor sum = objectives[k].Compute(inputs).Sum.to_type(ScalarType.Float32);
            losses[k] = counts[k] > 0 ? sum / counts[k] : sum * 0;
            values[k] = losses[k].item<float>();
            preferences[k] = objectives[k].Weight.At(step);
        }

        if (!split)
        {
            // One objective needs no rule: whatever it is divided by, the optimizer divides out again.
            double[] used = weights ?? (rule.NeedsGradients ? [1.0] : rule.Weights(values, new double[losses.Length]));
            Weighted(losses, used, preferences).backward();
            BackwardFailure.ThrowIfAny();
            return new StepLosses(values, used);
        }
        Tensor[] lowerInputs = [top_BTH, .. lower.Where(l => l < _depth - 1).Select(l => hidden[l])];
        Tensor[] lowerOutputs = [x_BTH, .. lower.Where(l => l < _depth - 1).Select(l => below![l])];
        return Combined(losses, values, preferences, lowerInputs, lowerOutputs, weights);
    }

    private StepLosses Combined(Tensor[] losses, double[] values, double[] preferences, Tensor[] lowerInputs, Tensor[] lowerOutputs, double[]? weights)
    {
        Tensor[] normed = student.LastLayerParameters;
        Tensor[] others = [.. student.HeadParameters, .. objectives.SelectMany(o => o.Parameters).Select(p => p.Value)];
        Tensor[] cut = [.. normed, .. others, .. lowerInputs];
        var gradients = new IReadOnlyList<Tensor>[losses.Length];
        for (int k = 0; k < losses.Length; k++)
            gradients[k] = Gradients(losses[k], cut, retain: k + 1 < losses.Length);

        // Where nothing of the last layer is trained, the gradient at its input decides.
        IReadOnlyList<Tensor> combined;
        if (weights is null)
        {
            CombinedGradient result = GradientCombination.Combine(
                rule, values, preferences, gradients, normed.Length > 0 ? normed.Length : cut.Length);
            (combined, weights) = (result.Gradients_P, [.. result.Weights.Zip(preferences, (w, p) => p == 0 ? 0 : w / p)]);
        }
        else
        {
            IReadOnlyList<IReadOnlyList<Tensor>> projected = rule.Projects ? rule.Project(gradients) : gradients;
            combined = GradientCombination.WeightedSum(projected, [.. weights.Zip(preferences, (w, p) => w * p)]);
        }
        for (int p = 0; p < normed.Length + others.Length; p++) AddGradient(cut[p], combined[p]);
        Tensor[] outputs = [.. lowerOutputs.Where(o => o.requires_grad)];
        if (outputs.Length > 0)
        {
            Tensor[] given = [.. lowerOutputs.Zip(combined.Skip(normed.Length + others.Length)).Where(p => p.First.requires_grad).Select(p => p.Second)];
            autograd.backward(outputs, given);
            BackwardFailure.ThrowIfAny();
        }
        return new StepLosses(values, weights);
    }

    private ObjectiveInputs Inputs(
        BatchTables tables, IReadOnlyList<BatchTables> stepTables, BatchTensors tensors, Tensor last_BTH, Dictionary<int, Tensor> hidden, TeacherInputs? online)
    {
        bool logits = _needs.HasFlag(ObjectiveNeeds.Logits);
        Tensor? logLikelihood_N = null, logBoundary_N = null;
        if ((_needs & (ObjectiveNeeds.LogLikelihood | ObjectiveNeeds.LogBoundary)) != 0)
        {
            Tensor last_RH = last_BTH.view(-1, _model.Config.HiddenSize).index_select(0, tensors.Real_R);
            HeadScores scores = VocabularyHead.Score(last_RH, _model.HeadWeight, tensors.Targets_R, new HeadOptions(
                _model.Config.FinalSoftcap, student.ValidRows, _needs.HasFlag(ObjectiveNeeds.LogBoundary) ? student.BoundaryMask_V : null));
            logLikelihood_N = tensors.LogLikelihood_N(scores.LogLikelihood);
            logBoundary_N = scores.LogBoundary is null ? null : tensors.LogBoundary_N(scores.LogBoundary);
        }
        return new ObjectiveInputs
        {
            Tables = tables,
            Step = stepTables,
            LogLikelihood_N = logLikelihood_N,
            LogBoundary_N = logBoundary_N,
            Hidden_NH = objectives.SelectMany(o => o.Layers).Distinct()
                .ToDictionary(l => l, l => hidden[Layer(l)].reshape(-1, _model.Config.HiddenSize).to_type(ScalarType.Float32)),
            Logits_NV = logits ? OnlineTeacher.Logits(_model, last_BTH.view(-1, _model.Config.HiddenSize), student.ValidRows) : null,
            OutputEmbeddings_VH = logits ? _model.HeadWeight.to_type(ScalarType.Float32) : null,
            Teacher = online,
        };
    }

    private int Layer(int layer) => layer < 0 ? _depth + 1 + layer : layer;

    private static Tensor Leaf(Tensor x) => x.detach().requires_grad_(true);

    private static Tensor Weighted(Tensor[] losses, double[] weights, double[] preferences)
    {
        Tensor total = losses[0] * (weights[0] * preferences[0]);
        for (int k = 1; k < losses.Length; k++) total += losses[k] * (weights[k] * preferences[k]);
        return total;
    }

    private static Tensor[] Gradients(Tensor loss, Tensor[] at, bool retain)
    {
        Tensor[] gradients = TorchScripts.Gradients(loss, at, retain);
        BackwardFailure.ThrowIfAny();
        return gradients;
    }

    private static void AddGradient(Tensor parameter, Tensor gradient)
    {
        using var quiet = no_grad();
        if (parameter.grad is { } held) held.add_(gradient);
        else parameter.grad = gradient;
    }
}

/// <summary>[K] mean losses of a batch (its share of the step's mean), and the rule's weights.</summary>
internal sealed record StepLosses(double[] Losses, double[] Weights);
