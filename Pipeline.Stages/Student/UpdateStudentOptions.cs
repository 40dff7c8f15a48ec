using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Numerics;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Objectives.Schedules;

namespace Pipeline.Stages.Student;

/// <summary>What a definition may say about the <c>update-student</c> stage.</summary>
internal sealed record UpdateStudentOptions : IAsksTeacher, IValidatableObject
{
    [Description("The folder for the trained model, inside the run folder, in Hugging Face's layout.")]
    public required string To { get; init; }

    [Description("The student of this stage, where a definition trains several. Absent: the definition's own.")]
    public StudentDefinition? Student { get; init; }

    [Description("What is minimized. Naming an objective turns it on.")]
    public required ObjectivesOptions Objectives { get; init; }

    [Description("How the gradients of several objectives are combined.")]
    public CombineOptions Combine { get; init; } = new();

    [Description("Optimizer steps. With 0 the student is written untrained.")]
    [Range(0, int.MaxValue), Extends]
    public required int Steps { get; init; }

    [Description("Batches whose gradients are summed for one step.")]
    [Range(1, 65536)]
    public int Accumulate { get; init; } = 1;

    [Description("Shares of a step that MPI ranks can compute, a power of two. A step sums over accumulate times slots batches. The result depends on this number and not on the number of ranks, which must divide it.")]
    [Range(1, 4096)]
    public int Slots { get; init; } = 1;

    [Description("Ranks share the optimizer's state and the float32 copies of the weights instead of each keeping all of it: less memory, the same result.")]
    [Extends]
    public bool ShardOptimizer { get; init; }

    [Description("Peak learning rate.")]
    [Range(0.0, 10.0), Tunable]
    public double LearningRate { get; init; } = 1e-5;

    [Description("Learning rate of the input and output embeddings as a multiple of learningRate.")]
    [Range(0.0, 1000.0), Tunable]
    public double EmbeddingRate { get; init; } = 1;

    [Description("Steps over which the learning rate rises from 0.")]
    [Range(0, int.MaxValue), Tunable]
    public int WarmupSteps { get; init; }

    [Description("What the learning rate does after warm-up, until the last step.")]
    [Tunable]
    public ScheduleKind Decay { get; init; } = ScheduleKind.Linear;

    [Description("Decoupled weight decay of matrices. Embeddings, norms and biases have none.")]
    [Range(0.0, 1.0), Tunable]
    public double WeightDecay { get; init; } = 0.01;

    [Description("First-moment decay of AdamW.")]
    [Range(0.0, 0.99999), Tunable]
    public double Beta1 { get; init; } = 0.9;

    [Description("Second-moment decay of AdamW.")]
    [Range(0.0, 0.999999), Tunable]
    public double Beta2 { get; init; } = 0.999;

    [Description("Added to the denominator of AdamW.")]
    [Range(1e-16, 1.0), Tunable]
    public double Epsilon { get; init; } = 1e-8;

    [Description("Largest global gradient norm; a larger gradient is scaled down to it. 0 never scales.")]
    [Range(0.0, 1e9), Tunable]
    public double ClipNorm { get; init; } = 1;

    [Description("What is trained: full (everything), embeddings, or lora (low-rank updates of the matrices, and the embeddings).")]
    public TrainMode Train { get; init; } = TrainMode.Full;

    [Description("Rank, scale and targets of low-rank updates.")]
    public LoraOptions Lora { get; init; } = new();

    [Description("Parameters that stay fixed: patterns over Hugging Face names, such as model.layers.0.*.")]
    public IReadOnlyList<string> Freeze { get; init; } = [];

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

    [Description("Number format of the written model.")]
    public WeightType Dtype { get; init; } = WeightType.Float32;

    [Description("With inputExpansion: also write the model without it, as TO-without-expansion, for programs that do not support it. That model is weaker.")]
    public bool ExportWithoutExpansion { get; init; }

    [Description("With train lora: also write the low-rank updates, and the embeddings trained with them, as TO-adapter in the layout of the PEFT library, on top of TO-initial.")]
    public bool ExportAdapter { get; init; }

    [Description("Also write model.gguf into the folder, for llama.cpp and programs built on it, with matrices in this number format. With inputExpansion it goes into the folder of the model without it.")]
    public GgufType? Gguf { get; init; }

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext)
    {
        if (!BitOperations.IsPow2(Slots))
            yield return new ValidationResult($"'slots' is {Slots}, expected a power of two: the slots are summed as a tree", [nameof(Slots)]);
        foreach (ValidationResult fault in Objectives.Faults(nameof(Objectives), "objectives"))
            yield return fault;
        if (Combine is { Rule: CombineRule.Gradnorm, Pcgrad: true })
            yield return new ValidationResult("'combine.pcgrad' cannot be combined with the rule gradnorm, which learns from unchanged gradients; leave one of them out", [$"{nameof(Combine)}.{nameof(Combine.Pcgrad)}"]);
        if (Train != TrainMode.Lora && WrittenKeys.Has(validationContext, "lora") && !IsWrittenDefault(validationContext))
            yield return new ValidationResult($"'lora' is given, but 'train' is {Train.ToString().ToLowerInvariant()}, so no adapters are trained; set \"train\": \"lora\", or leave 'lora' out", [nameof(Lora)]);
        if (ExportAdapter && Train != TrainMode.Lora)
            yield return new ValidationResult($"'exportAdapter' is true, but 'train' is {Train}; only lora has low-rank updates", [nameof(ExportAdapter)]);
        if (ExportAdapter && Student is { InputExpansion: true })
            yield return new ValidationResult("'exportAdapter' is true, but the student has 'inputExpansion', which an adapter cannot hold", [nameof(ExportAdapter)]);
    }

    // The definition in a run folder has every default written out, so a key that is written with its default value says nothing about what its
    // author wanted.
    private bool IsWrittenDefault(ValidationContext context)
    {
        var plain = new LoraOptions();
        return Lora with { Targets = plain.Targets } == plain && Lora.Targets.SequenceEqual(plain.Targets)
            && ((string[])["rank", "alpha", "targets", "seed"]).All(key => WrittenKeys.Has(context, $"lora.{key}"));
    }

    IEnumerable<TeacherNeed> IAsksTeacher.TeacherNeeds => Objectives.TeacherNeeds.Select(n => n with { Key = $"objectives.{n.Key}" });
}

/// <summary>Which parameters are trained; see <c>train</c>.</summary>
internal enum TrainMode
{
    Full,
    Embeddings,
    Lora,
}

/// <summary>The number format of the weights in a model folder.</summary>
public enum WeightType
{
    Float32,
    Float16,
    Bfloat16,
}
