using Pipeline.Contracts.Records;
using Pipeline.Stages.Language;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Objectives.Schedules;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using AdamW = Pipeline.Stages.Torch.AdamW;

namespace Pipeline.Stages.Student;

/// <summary>The update: gradients of a step's batches, clipped, to one step of AdamW. Belongs to the device's thread.</summary>
internal sealed class Trainer : IDisposable
{
    private readonly UpdateStudentOptions _options;
    private readonly StudentObjectives _tables;
    private readonly IReadOnlyList<IObjective> _objectives;
    private readonly MasterWeights _masters;
    private readonly IGradientCombination _rule;
    private readonly StudentStep _step;
    private readonly AdamW _optimizer;
    private readonly LearningRateOptions _schedule;

    /// <param name="options">The definition's keys.</param>
    /// <param name="student">With its trained weights chosen; stays the caller's.</param>
    /// <param name="objectives">Becomes this object's.</param>
    /// <param name="teacher">Run beside the student; null where the shards hold all that objectives read.</param>
    public Trainer(UpdateStudentOptions options, LanguageModel student, StudentObjectives objectives, OnlineTeacher? teacher = null)
    {
        _options = options;
        _tables = objectives;
        _objectives = objectives.All;
        Names = [.. _objectives.Select(o => o.Name)];
        _rule = GradientCombination.Create(options.Combine, _objectives.Count);
        _step = new StudentStep(student, _objectives, _rule, options.ActivationCheckpointing, teacher);
        _masters = new MasterWeights([.. student.Trainable, .. _objectives.SelectMany(o => o.Parameters.Select(p => (p.Name, (Parameter)p.Value)))]);
        _optimizer = new AdamW(Groups(), new AdamWOptions(options.Beta1, options.Beta2, options.Epsilon));
        _schedule = new LearningRateOptions { Kind = options.Decay, Rate = 1, WarmupSteps = options.WarmupSteps };
    }

    /// <summary>Everything a checkpoint must keep: trained weights, the objectives' own, and the optimizer's state. The live tensors.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> Weights => [.. _masters.Weights.Select(p => (p.Name, (Tensor)p.Tensor))];

    public AdamW Optimizer => _optimizer;

    public IGradientCombination Rule => _rule;

    /// <summary>One step over its batches, with their tables made beforehand.</summary>
    public StepReport Step(IReadOnlyList<(StudentBatch Batch, BatchTables Tables)> batches, long step)
    {
        BatchTables[] tables = [.. batches.Select(b => b.Tables)];
        double[] counts = [.. _objectives.Select(o => batches.Sum(b => o.Count(b.Tables)))];
        var losses = new double[_objectives.Count];
        double[]? weights = null;
        // The first batch decides the weights of the step: one in which an objective has nothing to say would switch it off.
        foreach ((StudentBatch batch, BatchTables own) in batches.OrderBy(b => _objectives.Any(o => o.Count(b.Tables) == 0)))
        {
            StepLosses part = _step.Accumulate(batch, own, tables, counts, step, weights);
            weights = part.Weights;
            for (int k = 0; k < losses.Length; k++) losses[k] += part.Losses[k];
        }

        _masters.TakeGradients();
        double norm = GradClip.Apply(_masters.Weights.Select(p => p.Tensor), _options.ClipNorm > 0 ? _options.ClipNorm : double.PositiveInfinity);
        // Counted from 1 and over one step more, so that neither the first nor the last step is made with a rate of 0.
        double rate = LearningRate.At(_schedule, step + 1, _options.Steps + 1L);
        bool finite = double.IsFinite(norm) && losses.All(double.IsFinite);
        if (finite)
        {
            _optimizer.Step(rate);
            _masters.HandBack();
        }
        _optimizer.ZeroGradients();
        return new StepReport(losses, weights!, norm, rate * _options.LearningRate, counts, finite);
    }

    /// <summary>What the objectives read of a batch. From any thread.</summary>
    public BatchTables Tables(StudentBatch batch) => _tables.Tables(batch);

    /// <summary>After the live tensors of <see cref="Weights"/> were written to.</summary>
    public void WeightsChanged() => _masters.HandBack();

    public string[] Names { get; }

    public void Dispose()
    {
        _optimizer.Dispose();
        _masters.Dispose();
        _tables.Dispose();
    }

    /// <summary>Weight decay pulls on matrices alone; embeddings may have a rate of their own.</summary>
    private List<ParameterGroup> Groups()
    {
        IReadOnlyList<(string Name, Parameter Tensor)> all = _masters.Weights;
        // By name: tensors are equal by their values, which would be compared one by one, and no NaN is equal to itself.
        (string Name, Parameter Tensor)[] embeddings = [.. all.Where(p => TrainedParameters.IsEmbedding(p.Name))];
        (string Name, Parameter Tensor)[] matrices = [.. all.Where(p => !TrainedParameters.IsEmbedding(p.Name) && p.Tensor.dim() > 1)];
        (string Name, Parameter Tensor)[] vectors = [.. all.Where(p => !TrainedParameters.IsEmbedding(p.Name) && p.Tensor.dim() <= 1)];
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
