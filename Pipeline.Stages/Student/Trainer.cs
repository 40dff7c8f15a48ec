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

/// <summary>
/// One training step at a time: computes the gradients of a step's batches, clips them, and applies AdamW.
/// <see cref="StudentTraining"/> calls it for every step. To be used on the device's thread, except for <see cref="Tables"/>.
/// </summary>
internal sealed class Trainer : ITrained, IDisposable
{
    // A tensor is hashed in pieces of this many values (256 MiB), since a span holds at most 2 GiB.
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

    /// <summary>Builds the optimizer over the student's trained weights and the objectives' own parameters.</summary>
    /// <param name="options">The stage's options.</param>
    /// <param name="student">The student, with its trained weights chosen already (see <see cref="TrainedParameters"/>). It is not disposed here.</param>
    /// <param name="objectives">The objectives. The trainer owns them from here on.</param>
    /// <param name="teacher">The teacher that runs alongside the student; null where the shards hold everything that the objectives read.</param>
    /// <param name="ranks">The processes that train the same student; null for a process that trains alone.</param>
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

    /// <summary>The weights that this rank updates, in float32: the student's and the objectives' own. These are the live tensors.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> Weights => [.. _masters.Weights.Select(p => (p.Name, (Tensor)p.Tensor))];

    public AdamW Optimizer => _optimizer;

    /// <summary>
    /// The trained weights as a checkpoint stores them. To be written on rank 0, which receives each tensor that another rank keeps when its turn
    /// comes.
    /// </summary>
    public IReadOnlyList<TensorSource> WeightFile => [.. Sources(_masters.Weights.ToDictionary(w => w.Name, w => (Tensor)w.Tensor), "").Select(s => s.Source)];

    /// <summary>The optimizer's state as a checkpoint stores it. To be written like <see cref="WeightFile"/>.</summary>
    public IReadOnlyList<TensorSource> OptimizerFile => [.. OptimizerSources().Select(s => s.Source)];

    /// <summary>
    /// Sends this rank's tensors to rank 0, in the order in which it writes <see cref="WeightFile"/> and then <see cref="OptimizerFile"/>. To be
    /// called on every other rank.
    /// </summary>
    public void ServeFiles()
    {
        if (!_shares.IsShared) return;
        _shares.Serve(Sources(_masters.Weights.ToDictionary(w => w.Name, w => (Tensor)w.Tensor), ""));
        _shares.Serve(OptimizerSources());
    }

    /// <summary>
    /// Whether this rank restores the entry of an optimizer file with this name. It does so for names that belong to no parameter too, so that
    /// <see cref="AdamW.State"/> refuses them.
    /// </summary>
    public bool Keeps(string name) => AdamW.Suffixes.FirstOrDefault(s => name.EndsWith(s, StringComparison.Ordinal)) is not { } suffix
        || _masters.Used.All(p => p.Name != name[..^suffix.Length]) || _shares.IsMine(name[..^suffix.Length]);

    public IGradientCombination Rule => _rule;

    /// <summary>Whether an objective reads the tables of all batches of a step, those of other ranks included.</summary>
    public bool ReadsStep => _objectives.Any(o => o.ReadsStep);

    /// <summary>One step of a process that trains alone.</summary>
    /// <param name="batches">The step's batches with their tables. Their number must be a multiple of the slots.</param>
    /// <param name="step">How many steps were done before.</param>
    public StepReport Step(IReadOnlyList<(StudentBatch Batch, BatchTables Tables)> batches, long step)
        => Step([.. batches.Select(b => new StepPiece(b.Batch, b.Tables, true))], step, _slots with { Accumulate = batches.Count / _slots.Slots });

    /// <summary>One step. This rank computes its own share of the batches, and every rank ends with the same weights.</summary>
    /// <param name="pieces">All batches of the step, in order.</param>
    /// <param name="step">How many steps were done before.</param>
    public StepReport Step(IReadOnlyList<StepPiece> pieces, long step) => Step(pieces, step, _slots);

    private StepReport Step(IReadOnlyList<StepPiece> pieces, long step, StepSlots slots)
    {
        // The sums return views of one large tensor. The scope frees them now instead of when the garbage collector happens to run.
        using var scope = NewDisposeScope();
        BatchTables[] tables = [.. pieces.Select(p => p.Tables).OfType<BatchTables>()];
        double[][] counts_PK = Counts(pieces);
        double[] counts = [.. Names.Select((_, k) => counts_PK.Sum(c => c[k]))];
        // The batch that comes first decides the objectives' weights for the whole step. A batch on which an objective has nothing to compute would
        // give it the weight 0, so such batches come last.
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
            // The norm is over all parameters, including those that another rank updates.
            IReadOnlyList<Tensor?> total = sums.Total();
            norm = GradClip.ApplyTo([.. total.OfType<Tensor>()], most);
            _masters.TakeGradients(total);
        }
        // Step i of n gets the rate of step i + 1 of n + 1, so that neither the first nor the last step has a rate of 0.
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

    /// <summary>
    /// [P][K + 1] for each batch, the count of each objective, and then the number of straddling chunks. Only the rank that has a batch sets its
    /// numbers, and the others add zeros, so the sum over ranks is exact.
    /// </summary>
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

    /// <summary>The tables that the objectives read of a batch. May be called from any thread.</summary>
    public BatchTables Tables(StudentBatch batch) => _tables.Tables(batch);

    /// <summary>Checks that all ranks have the same weights, to the bit.</summary>
    /// <param name="step">The number of steps done, for the message.</param>
    /// <exception cref="InputException">The weights of a rank differ from those of rank 0.</exception>
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

    /// <summary>
    /// Rounds the float32 copies into the weights that the model computes with, and shares them between ranks. To be called after the tensors of
    /// <see cref="Weights"/> were written to.
    /// </summary>
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

    /// <summary>
    /// The optimizer's groups. Only matrices other than embeddings have weight decay, and embeddings may have a learning rate of their own.
    /// </summary>
    private List<ParameterGroup> Groups()
    {
        IReadOnlyList<(string Name, Parameter Tensor)> all = _masters.Weights;
        // Embeddings are told by name. Comparing tensors would compare their values one by one, and a tensor with a NaN would not equal itself.
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

/// <summary>The figures of one step. K objectives.</summary>
/// <param name="Losses">[K] the mean loss of each objective over the step.</param>
/// <param name="Weights">[K] the weight that the combination gave each objective, without the user's own weight.</param>
/// <param name="GradientNorm">The global norm of the gradient before clipping.</param>
/// <param name="LearningRate">The learning rate of the matrices.</param>
/// <param name="Counts">[K] the number of terms that each loss is a mean over.</param>
/// <param name="Applied">False when a loss or the gradient was not finite. The weights are then unchanged.</param>
/// <param name="Straddling">
/// How many chunks of the step were merged with the next one because the bounds on their boundary mass lie on both sides of γ.
/// </param>
internal sealed record StepReport(double[] Losses, double[] Weights, double GradientNorm, double LearningRate, double[] Counts, bool Applied, int Straddling = 0);
