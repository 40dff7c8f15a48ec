using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Objectives.Schedules;

namespace Pipeline.Stages.Objectives;

/// <summary>Approximate Likelihood Matching: the student's chunk likelihoods follow the teacher's.</summary>
internal sealed record AlmOptions
{
    [Description("Weight of this objective, in addition to the rule that combines objectives.")]
    [Range(0.0, 1e9)]
    public double Weight { get; init; } = 1;

    [Description("How the weight changes over the steps. Absent: it does not.")]
    public WeightScheduleOptions? Schedule { get; init; }

    [Description("f: how the teacher's likelihood of a chunk is compared with the student's.")]
    public DivergenceKind Divergence { get; init; } = DivergenceKind.BinaryCe;

    [Description("Temperature τ that divides log-likelihoods; 5 is best in the paper's ablation. Not used by abs, renyi and binary-kl-temp-limit.")]
    [Range(1e-3, 1e6)]
    public double Temperature { get; init; } = 5;

    [Description("Order α of the Rényi divergence.")]
    [Range(1e-3, 100.0)]
    public double RenyiAlpha { get; init; } = 0.5;

    [Description("Whether the mass of boundary tokens after a chunk is part of its likelihood: none; append-boundary; or, for shards that hold bounds on the mass, append-lower or append-midpoint.")]
    public BoundaryMode Boundary { get; init; } = BoundaryMode.AppendBoundary;

    [Description("Which chunks are compared, before merging by boundary mass.")]
    public ChunkKind Chunks { get; init; } = ChunkKind.Every;

    [Description("γ: a chunk with teacher boundary mass of at most this is merged into the next one; null: no merging.")]
    [Range(0.0, 1.0)]
    public double? Gamma { get; init; } = 0.1;

    [Description("The bias that chunks 'unbiased' need: a file that the compute-bias stage wrote (run:NAME for one of this run).")]
    public string? Bias { get; init; }

    [Description("The largest tokenization bias at which a chunk of kind 'unbiased' may end.")]
    [Range(0.0, 1.0)]
    public double BiasThreshold { get; init; } = 0.1;

    [Description("Lengths of the runs of neighbouring chunks that are compared as one; the loss is the mean over these lengths.")]
    public IReadOnlyList<int> ChunkSizes { get; init; } = [1];

    [Description("How much a chunk counts in the sum.")]
    public ChunkWeighting Numerator { get; init; } = ChunkWeighting.ChunkCount;

    [Description("How much a chunk counts in what the sum is divided by.")]
    public ChunkWeighting Denominator { get; init; } = ChunkWeighting.ChunkCount;

    [Description("Where the teacher's scores come from: cached (the shards), or online (the teacher runs on every batch: no rounding, but a teacher in memory next to the student).")]
    public TeacherScoring Scores { get; init; } = TeacherScoring.Cached;

    /// <summary>What the objective asks of a teacher, by the key that asks for it.</summary>
    public IEnumerable<TeacherNeed> TeacherNeeds
    {
        get
        {
            if (Boundary == BoundaryMode.AppendBoundary)
                yield return TeacherNeed.Boundary("boundary", BoundaryKnowledge.Exact, "use append-lower or append-midpoint for a teacher that gives bounds, else none");
            else if (Boundary != BoundaryMode.None)
                yield return new TeacherNeed("boundary", "bounds on masses that are not known exactly", a => a.Boundary == BoundaryKnowledge.Interval, "use append-boundary for a teacher that knows its masses, else none");
            if (Gamma is not null)
                yield return TeacherNeed.Boundary("gamma", BoundaryKnowledge.Interval, "use null, which merges no chunks");
        }
    }

    /// <summary>The rules for the chunks of a batch.</summary>
    public ChunkRules Rules(TokenPairBias? bias) => new(Chunks, Gamma, ChunkUse.Likelihood, bias, BiasThreshold, Boundary);
}

/// <summary>Where the teacher's scores come from.</summary>
internal enum TeacherScoring
{
    /// <summary>From shards.</summary>
    Cached,

    /// <summary>From a teacher that runs over every training batch.</summary>
    Online,
}
