using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Objectives.Schedules;
using Pipeline.Stages.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using AdamW = Pipeline.Stages.Torch.AdamW;

namespace Pipeline.Stages.Student;

/// <summary>The update: gradients of a step's batches, clipped, to one step of AdamW. Belongs to the device's thread.</summary>
internal sealed class Trainer : IDisposable
{
    private readonly UpdateStudentOptions _options;
    private readonly StudentModel _student;
    private readonly IReadOnlyList<IObjective> _objectives;
    private readonly IGradientCombination _rule;
    private readonly StudentStep _step;
    private readonly AdamW _optimizer;
    private readonly LearningRateOptions _schedule;

    public Trainer(UpdateStudentOptions options, StudentModel student, IReadOnlyList<IObjective> objectives)
    {
        _options = options;
        _student = student;
        _objectives = objectives;
        _rule = GradientCombination.Create(options.Combine, objectives.Count);
        _step = new StudentStep(student, objectives, _rule, options.ActivationCheckpointing);
        _optimizer = new AdamW(Groups(), new AdamWOptions(options.Beta1, options.Beta2, options.Epsilon));
        _schedule = new LearningRateOptions { Kind = options.Decay, Rate = 1, WarmupSteps = options.WarmupSteps };
    }

    /// <summary>Everything a checkpoint must keep: trained weights, the objectives' own, and the optimizer's state. The live tensors.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> Weights => [.. Trained().Select(p => (p.Name, (Tensor)p.Tensor))];

    public AdamW Optimizer => _optimizer;

    public IGradientCombination Rule => _rule;

    /// <summary>One step over its batches, with their tables made beforehand.</summary>
    public StepReport Step(IReadOnlyList<(StudentBatch Batch, BatchTables Tables)> batches, long step)
    {
        double[] counts = [.. _objectives.Select(o => batches.Sum(b => o.Count(b.Tables)))];
        var losses = new double[_objectives.Count];
        double[]? weights = null;
        foreach ((StudentBatch batch, BatchTables tables) in batches)
        {
            StepLosses part = _step.Accumulate(batch, tables, counts, step, weights);
            weights = part.Weights;
            for (int k = 0; k < losses.Length; k++) losses[k] += part.Losses[k];
        }

        double norm = GradClip.Apply(Trained().Select(p => p.Tensor), _options.ClipNorm > 0 ? _options.ClipNorm : double.PositiveInfinity);
        // Counted from 1 and over one step more, so that neither the first nor the last step is made with a rate of 0.
        double rate = LearningRate.At(_schedule, step + 1, _options.Steps + 1L);
        bool finite = double.IsFinite(norm) && losses.All(double.IsFinite);
        if (finite) _optimizer.Step(rate);
        _optimizer.ZeroGradients();
        return new StepReport(losses, weights!, norm, rate * _options.LearningRate, counts, finite);
    }

    public void Dispose() => _optimizer.Dispose();

    private IEnumerable<(string Name, Parameter Tensor)> Trained()
        => _student.Trainable.Concat(_objectives.SelectMany(o => o.Parameters.Select(p => (o.Name + "." + p.Name, (Parameter)p.Value))));

    /// <summary>Weight decay pulls on matrices alone; embeddings may have a rate of their own.</summary>
    private List<ParameterGroup> Groups()
    {
        (string Name, Parameter Tensor)[] all = [.. Trained()];
        (string Name, Parameter Tensor)[] embeddings = [.. all.Where(p => StudentModel.IsEmbedding(p.Name))];
        (string Name, Parameter Tensor)[] matrices = [.. all.Except(embeddings).Where(p => p.Tensor.dim() > 1)];
        (string Name, Parameter Tensor)[] vectors = [.. all.Except(embeddings).Except(matrices)];
        return
        [
            new ParameterGroup(embeddings, _options.LearningRate * _options.EmbeddingRate, 0),
            new ParameterGroup(matrices, _options.LearningRate, _options.WeightDecay),
            new ParameterGroup(vectors, _options.LearningRate, 0),
        ];
    }
}

/// <summary>What a step did.</summary>
/// <param name="Losses">[K] mean loss of each objective over the step.</param>
/// <param name="Weights">[K] what the combination multiplied each by.</param>
/// <param name="GradientNorm">Global norm before clipping.</param>
/// <param name="LearningRate">The rate of the matrices.</param>
/// <param name="Counts">[K] what each loss is a mean over.</param>
/// <param name="Applied">False when a loss or gradient was not finite: the weights are as before.</param>
internal sealed record StepReport(double[] Losses, double[] Weights, double GradientNorm, double LearningRate, double[] Counts, bool Applied);
