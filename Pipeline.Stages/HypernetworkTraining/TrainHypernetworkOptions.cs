using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Hypernetworks.Sampling;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Schedules;
using Pipeline.Stages.Student;

namespace Pipeline.Stages.HypernetworkTraining;

/// <summary>
/// What a definition may say about the <c>train-hypernetwork</c> stage. The frozen model is the definition's student as it is before training.
/// </summary>
internal sealed record TrainHypernetworkOptions : IValidatableObject
{
    [Description("The folder for the hypernetwork, inside the run folder. A student then uses it with \"embeddings\": \"hypernetwork:run:NAME\".")]
    public required string To { get; init; }

    [Description("Shards from whose texts tokenizers are sampled, named as in read-shards; usually the same shards.")]
    public required IReadOnlyList<string> From { get; init; }

    [Description("Approximate Likelihood Matching under the step's tokenizer; on by default.")]
    public AlmOptions? Alm { get; init; } = new();

    [Description("Next-token cross-entropy under the step's tokenizer.")]
    public SftOptions? Sft { get; init; }

    [Description("Weight of the lexical loss: tokens that the source also has are pulled towards the source's embeddings. 0 leaves it out.")]
    [Range(0.0, 1e6)]
    public double Lexical { get; init; }

    [Description("The hypernetwork.")]
    public NetworkOptions Network { get; init; } = new();

    [Description("Which tokenizers are sampled.")]
    public SamplingOptions Sampling { get; init; } = new();

    [Description("How many tokens of the step's vocabulary are predicted: those that occur, and random others up to this number. 0 predicts all.")]
    [Range(0, 1 << 24)]
    public int VocabularyRows { get; init; } = 640;

    [Description("Number of first steps that only learn to reproduce the source's embeddings from tokens of one piece; for a network without residual.")]
    [Range(0, int.MaxValue)]
    public int IdentitySteps { get; init; }

    [Description("Optimizer steps. Each has one tokenizer and one batch.")]
    [Range(0, int.MaxValue), Extends]
    public required int Steps { get; init; }

    [Description("Peak learning rate.")]
    [Range(0.0, 10.0), Tunable]
    public double LearningRate { get; init; } = 6e-5;

    [Description("Steps over which the learning rate rises from 0.")]
    [Range(0, int.MaxValue), Tunable]
    public int WarmupSteps { get; init; }

    [Description("What the learning rate does after warm-up, until the last step.")]
    [Tunable]
    public ScheduleKind Decay { get; init; } = ScheduleKind.Cosine;

    [Description("Decoupled weight decay of matrices. Norms and biases have none.")]
    [Range(0.0, 1.0), Tunable]
    public double WeightDecay { get; init; } = 0.01;

    [Description("First-moment decay of AdamW.")]
    [Range(0.0, 0.99999), Tunable]
    public double Beta1 { get; init; } = 0.9;

    [Description("Second-moment decay of AdamW.")]
    [Range(0.0, 0.999999), Tunable]
    public double Beta2 { get; init; } = 0.95;

    [Description("Largest global gradient norm; a larger gradient is scaled down to it. 0 never scales.")]
    [Range(0.0, 1e9), Tunable]
    public double ClipNorm { get; init; } = 1;

    [Description("Recompute the activations of a layer in the backward pass: less memory, about a third more time.")]
    [Tunable]
    public bool ActivationCheckpointing { get; init; }

    [Description("Steps between checkpoints; one is always written at the end and when the run is stopped.")]
    [Range(1, int.MaxValue), Extends]
    public int CheckpointEvery { get; init; } = 100;

    [Description("Number of checkpoints that are kept.")]
    [Range(1, 1000), Extends]
    public int KeepCheckpoints { get; init; } = 2;

    [Description("Steps between lines of metrics.")]
    [Range(1, int.MaxValue), Extends]
    public int LogEvery { get; init; } = 1;

    [Description("Steps that may be skipped because a loss or gradient was not finite, before the run stops at the last checkpoint.")]
    [Range(0, int.MaxValue), Extends]
    public int MaxSkippedSteps { get; init; } = 10;

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext)
    {
        if (Alm is null && Sft is null)
            yield return new ValidationResult("neither 'alm' nor 'sft' is given; a hypernetwork needs one of them", [nameof(Alm)]);
        if (Alm is { Scores: TeacherScoring.Online })
            yield return new ValidationResult("'alm.scores' is online, but a hypernetwork is trained from cached scores; leave it out", [$"{nameof(Alm)}.{nameof(Alm.Scores)}"]);
        if (Alm is { Bias: not null } or { Chunks: not ChunkKind.Every })
            yield return new ValidationResult("'alm.chunks' must be every and 'alm.bias' absent, since every step has another tokenizer", [$"{nameof(Alm)}.{(Alm.Bias is null ? nameof(Alm.Chunks) : nameof(Alm.Bias))}"]);
    }

    internal ObjectivesOptions Objectives => new() { Alm = Alm, Sft = Sft };

    /// <summary>The options that the training loop and the checkpoints read.</summary>
    internal UpdateStudentOptions Loop => new()
    {
        To = To,
        Objectives = Objectives,
        Steps = Steps,
        CheckpointEvery = CheckpointEvery,
        KeepCheckpoints = KeepCheckpoints,
        MaxSkippedSteps = MaxSkippedSteps,
    };
}
