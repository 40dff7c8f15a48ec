using Pipeline.Stages.Batching;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Objectives.Schedules;
using Pipeline.Stages.Student;
using Pipeline.Stages.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using AdamW = Pipeline.Stages.Torch.AdamW;

namespace Pipeline.Stages.HypernetworkTraining;

/// <summary>
/// Makes the training steps of a hypernetwork. A step predicts the embeddings of its vocabulary, runs the frozen model with them, computes the
/// objectives, and updates the network alone. To be used on the device's thread.
/// </summary>
internal sealed class HypernetworkTrainer : ITrained, IDisposable
{
    private readonly TrainHypernetworkOptions _options;
    private readonly CausalLm _model;
    private readonly IHypernetwork _network;
    private readonly IReadOnlyList<IObjective> _objectives;
    private readonly ObjectiveNeeds _needs;
    private readonly Tensor _source_VMD;
    private readonly (string Name, Parameter Tensor)[] _trained;
    private readonly long _seed;

    /// <summary>Prepares the network and its optimizer.</summary>
    /// <param name="options">The stage's options.</param>
    /// <param name="model">The frozen model. It is not disposed here.</param>
    /// <param name="network">The network. Its weights become trainable. It is not disposed here.</param>
    /// <param name="seed">The seed of the tokens that identity steps draw.</param>
    public HypernetworkTrainer(TrainHypernetworkOptions options, CausalLm model, IHypernetwork network, long seed)
    {
        (_options, _model, _network, _seed) = (options, model, network, seed);
        _objectives = ObjectiveTable.Create(options.Objectives, ObjectiveContext.Alone(model.Device));
        _needs = _objectives.Aggregate(ObjectiveNeeds.None, (all, o) => all | o.Needs);
        _source_VMD = HypernetworkTransfer.Source(model).DetachFromDisposeScope();
        _trained = [.. network.Parameters.Where(p => network.IsTrained(p.Name))];
        foreach ((_, Parameter weight) in _trained) weight.requires_grad = true;
        Optimizer = new AdamW(
            [
                new ParameterGroup([.. _trained.Where(p => Decays(p))], options.LearningRate, options.WeightDecay),
                new ParameterGroup([.. _trained.Where(p => !Decays(p))], options.LearningRate, 0),
            ],
            new AdamWOptions(options.Beta1, options.Beta2, 1e-8));
        Names = [.. _objectives.Select(o => o.Name), .. options.Lexical > 0 ? ["lexical"] : Array.Empty<string>()];
    }

    public IReadOnlyList<(string Name, Tensor Tensor)> Weights => [.. _trained.Select(p => (p.Name, (Tensor)p.Tensor))];

    public AdamW Optimizer { get; }

    public IReadOnlyList<TensorSource> WeightFile => [.. Weights.Select(w => new TensorSource(w.Name, ScalarType.Float32, w.Tensor))];

    public IReadOnlyList<TensorSource> OptimizerFile => [.. Optimizer.State.Select(s => new TensorSource(s.Name, ScalarType.Float32, s.Tensor))];

    public bool Keeps(string name) => true;

    public IGradientCombination Rule { get; } = GradientCombination.Create(new CombineOptions(), 1);

    public string[] Names { get; }

    public void WeightsChanged()
    {
    }

    /// <summary>One step. If the batch is empty, nothing is learned.</summary>
    public StepReport Step(SampledBatch batch, long step)
    {
        double[] values = new double[Names.Length];
        bool any = step < _options.IdentitySteps ? Identity(step, values) : batch.Tables is not null && Match(batch, step, values);
        double norm = any ? GradClip.Apply(_trained.Select(p => p.Tensor), _options.ClipNorm > 0 ? _options.ClipNorm : double.PositiveInfinity) : 0;
        // Step i of n gets the rate of step i + 1 of n + 1, so that neither the first nor the last step has a rate of 0.
        double rate = LearningRate.At(new LearningRateOptions { Kind = _options.Decay, Rate = 1, WarmupSteps = _options.WarmupSteps }, step + 1, _options.Steps + 1L);
        bool finite = double.IsFinite(norm) && values.All(double.IsFinite);
        if (any && finite) Optimizer.Step(rate);
        Optimizer.ZeroGradients();
        return new StepReport(values, [.. values.Select(_ => 1.0)], norm, rate * _options.LearningRate, [.. values.Select(_ => 1.0)], finite);
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        _source_VMD.Dispose();
    }

    private bool Match(SampledBatch batch, long step, double[] values)
    {
        using var scope = NewDisposeScope();
        Tensor forms_RS = tensor(batch.Forms.Ids, [batch.Forms.Rows, batch.Forms.Length], device: _model.Device);
        Tensor predicted_RMD = HypernetworkTransfer.WithCopies(_network.Predict(_source_VMD, forms_RS), _source_VMD, batch.Forms);
        Tensor boundary_R = tensor(batch.Boundary, device: _model.Device);
        BatchTensors tensors = BatchTensors.Of(Array.ConvertAll(batch.Examples, e => e.Student.Ids), _model.Device);
        using AttentionContext attention = _model.CreateAttention(batch.Tables!.Rows, batch.Tables.Length, lengths: tensors.Lengths);
        ObjectiveInputs inputs = Forward(predicted_RMD, boundary_R, tensors, attention, batch.Tables);
        Tensor? total = null;
        for (int k = 0; k < _objectives.Count; k++)
        {
            Tensor loss = _objectives[k].Compute(inputs).Mean();
            values[k] = loss.item<float>();
            Tensor weighted = loss * _objectives[k].Weight.At(step);
            total = total is null ? weighted : total + weighted;
        }
        if (_options.Lexical > 0)
        {
            Tensor lexical = LexicalLoss.Of(predicted_RMD, _source_VMD, forms_RS, _network.Pad);
            values[^1] = lexical.item<float>();
            total = total! + lexical * _options.Lexical;
        }
        BackwardFailure.Run(() => total!.backward());
        return true;
    }

    /// <summary>Runs the frozen model with predicted rows in place of its embeddings. Token ids are rows of the prediction.</summary>
    internal ObjectiveInputs Forward(Tensor predicted_RMD, Tensor boundary_R, BatchTensors tensors, AttentionContext attention, BatchTables tables)
    {
        Tensor Matrix(long m) => predicted_RMD.select(1, m).contiguous().to_type(_model.ComputeType);
        Tensor input_RD = Matrix(0), head_RD = predicted_RMD.size(1) == 1 ? input_RD : Matrix(1);
        Tensor last_BTH = _model.FinalNorm(_model.RunLayers(
            _model.Embed(input_RD, tensors.Ids_BT), 0, _model.Config.Layers, attention, _options.ActivationCheckpointing));
        Tensor last_NH = last_BTH.view(-1, _model.Config.HiddenSize).index_select(0, tensors.Real_R);
        HeadScores scores = VocabularyHead.Score(last_NH, head_RD, tensors.Targets_R, new HeadOptions(
            _model.Config.FinalSoftcap, (int)predicted_RMD.size(0), _needs.HasFlag(ObjectiveNeeds.LogBoundary) ? boundary_R : null));
        return new ObjectiveInputs
        {
            Tables = tables,
            LogLikelihood_N = tensors.LogLikelihood_N(scores.LogLikelihood),
            LogBoundary_N = scores.LogBoundary is null ? null : tensors.LogBoundary_N(scores.LogBoundary),
        };
    }

    /// <summary>
    /// An identity step: the squared distance to the source's own embeddings, for forms of a single piece (arXiv 2405.07883, appendix A).
    /// </summary>
    private bool Identity(long step, double[] values)
    {
        using var scope = NewDisposeScope();
        long rows = Math.Min(_source_VMD.size(0), 16_384);
        int[] order = new CounterRandom(CounterRandom.Key(_seed, step, 4)).Permutation((int)_source_VMD.size(0));
        Tensor ids_R = tensor(order.Take((int)rows).Select(id => (long)id).ToArray(), device: _model.Device);
        Tensor forms_RS = full(rows, _network.Length, (long)_network.Pad, dtype: ScalarType.Int64, device: _model.Device);
        forms_RS.select(1, 0).copy_(ids_R);
        Tensor loss = (_network.Predict(_source_VMD, forms_RS) - _source_VMD.index_select(0, ids_R)).square().sum(-1).mean();
        values[0] = loss.item<float>();
        BackwardFailure.Run(() => loss.backward());
        return true;
    }

    private static bool Decays((string Name, Parameter Tensor) weight)
        => weight.Tensor.dim() > 1 && !weight.Name.EndsWith(".b", StringComparison.Ordinal) && !weight.Name.EndsWith(".w", StringComparison.Ordinal);
}
