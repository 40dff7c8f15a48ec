using System.Globalization;
using System.IO.Hashing;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Objectives.Schedules;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using AdamW = Pipeline.Stages.Torch.AdamW;

namespace Pipeline.Stages.Student;

/// <summary>The update: gradients of a step's batches, clipped, to one step of AdamW. Belongs to the device's thread.</summary>
internal sealed class Trainer : ITrained, IDisposable
{
    private const int HashedValues = 1 << 26;

    private readonly UpdateStudentOptions _options;
    private readonly StudentObjectives _tables;
    private readonly IReadOnlyList<IObjective> _objectives;
    private readonly MasterWeights _masters;
    private readonly IGradientCombination _rule;
    private readonly StudentStep _step;
    private readonly AdamW _optimizer;
    private readonly LearningRateOptions _schedule;
    private readonly IRanks _ranks;
    private readonly StepSlots _slots;
    private readonly OptimizerShares _shares;

    /// <param name="options">The definition's keys.</param>
    /// <param name="student">With its trained weights chosen; stays the caller's.</param>
    /// <param name="objectives">Becomes this object's.</param>
    /// <param name="teacher">Run alongside the student; null where the shards hold all that objectives read.</param>
    /// <param name="ranks">Who trains the same student; nobody when null.</param>
    public Trainer(UpdateStudentOptions options, LanguageModel student, StudentObjectives objectives, OnlineTeacher? teacher = null, IRanks? ranks = null)
    {
        _options = options;
        _ranks = ranks ?? OneRank.Instance;
        _slots = new StepSlots(options.Slots, options.Accumulate, _ranks.Rank, _ranks.Count);
        _tables = objectives;
        _objectives = objectives.All;
        Names = [.. _objectives.Select(o => o.Name)];
        _rule = GradientCombination.Create(options.Combine, _objectives.Count);
        _step = new StudentStep(student, _objectives, _rule, options.ActivationCheckpointing, teacher);
        IReadOnlyList<(string Name, Parameter Tensor)> trained = [.. student.Trainable, .. _objectives.SelectMany(o => o.Parameters.Select(p => (p.Name, (Parameter)p.Value)))];
        _shares = new OptimizerShares(_ranks, [.. trained.Select(p => (p.Name, p.Tensor.numel()))], options.ShardOptimizer);
        _masters = new MasterWeights(trained, _shares.IsMine);
        _optimizer = new AdamW(Groups(), new AdamWOptions(options.Beta1, options.Beta2, options.Epsilon));
        _schedule = new LearningRateOptions { Kind = options.Decay, Rate = 1, WarmupSteps = options.WarmupSteps };
    }

    /// <summary>The trained weights and the objectives' own, as far as they are updated here. The live tensors.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> Weights => [.. _masters.Weights.Select(p => (p.Name, (Tensor)p.Tensor))];

    public AdamW Optimizer => _optimizer;

    /// <summary>What a checkpoint keeps of the weights: on rank 0, those of others come when they are asked for.</summary>
    public IReadOnlyList<TensorSource> WeightFile => [.. Sources(_masters.Weights.ToDictionary(w => w.Name, w => (Tensor)w.Tensor), "").Select(s => s.Source)];

    /// <summary>What a checkpoint keeps of the optimizer.</summary>
    public IReadOnlyList<TensorSource> OptimizerFile => [.. OptimizerSources().Select(s => s.Source)];

    /// <summary>What another rank does while rank 0 writes <see cref="WeightFile"/> and then <see cref="OptimizerFile"/>.</summary>
    public void ServeFiles()
    {
        if (!_shares.IsShared) return;
        _shares.Serve(Sources(_masters.Weights.ToDictionary(w => w.Name, w => (Tensor)w.Tensor), ""));
        _shares.Serve(OptimizerSources());
    }

    /// <summary>Whether this rank keeps what a checkpoint has under a name of the optimizer's file.</summary>
    public bool Keeps(string name) => AdamW.Suffixes.FirstOrDefault(s => name.EndsWith(s, StringComparison.Ordinal)) is not { } suffix
        || _masters.Used.All(p => p.Name != name[..^suffix.Length]) || _shares.IsMine(name[..^suffix.Length]);

    public IGradientCombination Rule => _rule;

    /// <summary>Whether an objective reads the tables of all batches of a step.</summary>
    public bool ReadsStep => _objectives.Any(o => o.ReadsStep);

    /// <summary>One step of a process that trains alone, over its batches, with their tables made beforehand.</summary>
    public StepReport Step(IReadOnlyList<(StudentBatch Batch, BatchTables Tables)> batches, long step)
        => Step([.. batches.Select(b => new StepPiece(b.Batch, b.Tables, true))], step, _slots with { Accumulate = batches.Count / _slots.Slots });

    /// <summary>One step over its batches, of which this rank computes its own.</summary>
    public StepReport Step(IReadOnlyList<StepPiece> pieces, long step) => Step(pieces, step, _slots);

    private StepReport Step(IReadOnlyList<StepPiece> pieces, long step, StepSlots slots)
    {
        // What the sums hand out are views of one tensor, which must not wait for the collector.
        using var scope = NewDisposeScope();
        BatchTables[] tables = [.. pieces.Select(p => p.Tables).OfType<BatchTables>()];
        double[][] counts_PK = Counts(pieces);
        double[] counts = [.. Names.Select((_, k) => counts_PK.Sum(c => c[k]))];
        // The first batch decides the weights of the step: one in which an objective has nothing to say would switch it off.
        bool[] silent_P = [.. counts_PK.Select(c => c.AsSpan(0, Names.Length).Contains(0))];
        int deciding = slots.SlotOf(Math.Max(0, Array.IndexOf(silent_P, false)));
        StepWeights? shared = _ranks.Count > 1 ? new StepWeights(_ranks, _rule, Names.Length, slots.RankOf(deciding)) : null;
        double[][] losses_SK = [.. Enumerable.Range(0, slots.Slots).Select(_ => new double[Names.Length])];
        double[]? weights = null;
        using SlotSums? sums = slots.Slots > 1 ? new SlotSums([.. _masters.Used.Select(p => p.Tensor)], slots, _ranks) : null;
        foreach (int slot in Enumerable.Range(slots.First, slots.Mine).OrderBy(s => s != deciding))
        {
            foreach (int p in Enumerable.Range(slot * slots.Accumulate, slots.Accumulate).OrderBy(p => silent_P[p]))
            {
                StepLosses part = _step.Accumulate(pieces[p].Batch, pieces[p].Tables!, tables, counts, step, weights, shared);
                weights = part.Weights;
                for (int k = 0; k < Names.Length; k++) losses_SK[slot][k] += part.Losses[k];
            }
            sums?.Take(slot);
        }
        double[] losses = Losses(losses_SK);
        double most = _options.ClipNorm > 0 ? _options.ClipNorm : double.PositiveInfinity, norm;
        if (sums is null)
        {
            _masters.TakeGradients();
            norm = GradClip.Apply(_masters.Weights.Select(p => p.Tensor), most);
        }
        else
        {
            // Of all parameters, also those that another rank updates.
            IReadOnlyList<Tensor?> total = sums.Total();
            norm = GradClip.ApplyTo([.. total.OfType<Tensor>()], most);
            _masters.TakeGradients(total);
        }
        // Counted from 1 and over one step more, so that neither the first nor the last step is made with a rate of 0.
        double rate = LearningRate.At(_schedule, step + 1, _options.Steps + 1L);
        bool finite = double.IsFinite(norm) && losses.All(double.IsFinite);
        if (finite)
        {
            _optimizer.Step(rate);
            _masters.HandBack();
            _shares.HandRound(_masters.Used);
        }
        _optimizer.ZeroGradients();
        return new StepReport(losses, weights!, norm, rate * _options.LearningRate, counts, finite, (int)counts_PK.Sum(c => c[^1]));
    }

    /// <summary>[P][K + 1] what each objective's sum over each batch is divided by, and the chunks that straddle; whole numbers, so that their sums are exact.</summary>
    private double[][] Counts(IReadOnlyList<StepPiece> pieces)
    {
        int width = Names.Length + 1;
        double[] counts = new double[pieces.Count * width];
        for (int p = 0; p < pieces.Count; p++)
        {
            if (!pieces[p].IsMine) continue;
            for (int k = 0; k < Names.Length; k++) counts[p * width + k] = _objectives[k].Count(pieces[p].Tables!);
            counts[p * width + Names.Length] = pieces[p].Tables!.Alm?.Straddling ?? 0;
        }
        _ranks.Sum(counts.AsSpan());
        return [.. counts.Chunk(width)];
    }

    private double[] Losses(double[][] losses_SK)
    {
        double[] flat = [.. losses_SK.SelectMany(l => l)];
        _ranks.Sum(flat.AsSpan());
        return SlotSums.Tree([.. flat.Chunk(Names.Length)]);
    }

    /// <summary>What the objectives read of a batch. From any thread.</summary>
    public BatchTables Tables(StudentBatch batch) => _tables.Tables(batch);

    /// <exception cref="InputException">A rank's weights differ from rank 0's to the bit.</exception>
    public void Agree(long step)
    {
        if (_ranks.Count == 1) return;
        using var scope = NewDisposeScope();
        var hash = new XxHash3();
        foreach ((_, Parameter tensor) in _masters.Used)
        {
            Tensor flat = tensor.detach().cpu().view(-1);
            for (long start = 0; start < flat.numel(); start += HashedValues)
            {
                using Tensor part = flat.narrow(0, start, Math.Min(HashedValues, flat.numel() - start));
                hash.Append(part.bytes);
            }
        }
        _ranks.Agree(string.Create(CultureInfo.InvariantCulture, $"the weights after step {step}"), hash.GetCurrentHashAsUInt64());
    }

    /// <summary>After the live tensors of <see cref="Weights"/> were written to.</summary>
    public void WeightsChanged()
    {
        _masters.HandBack();
        _shares.HandRound(_masters.Used);
    }

    private IEnumerable<(string Parameter, TensorSource Source)> OptimizerSources()
    {
        Dictionary<string, Tensor> mine = _optimizer.State.ToDictionary(s => s.Name, s => s.Tensor);
        return AdamW.Suffixes.SelectMany(suffix => Sources(mine, suffix));
    }

    private IEnumerable<(string Parameter, TensorSource Source)> Sources(Dictionary<string, Tensor> mine, string suffix)
        => _masters.Used.Select(p => (p.Name, _shares.Source(
            p.Name + suffix, p.Name, ScalarType.Float32, suffix == AdamW.StepSuffix ? [] : p.Tensor.shape, () => mine[p.Name + suffix])));

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
/// <param name="Straddling">Chunks that straddle a boundary of the batches, over the whole step.</param>
internal sealed record StepReport(double[] Losses, double[] Weights, double GradientNorm, double LearningRate, double[] Counts, bool Applied, int Straddling = 0);
