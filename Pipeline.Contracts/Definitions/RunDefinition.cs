using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Contracts.Definitions;

/// <summary>
/// A definition file, after reading: everything that a run does. Paths are relative to the current directory unless their key says otherwise.
/// </summary>
public sealed record RunDefinition
{
    [Description("Names the run. The run folder is runs/NAME unless --run names another.")]
    public required string Name { get; init; }

    [Description("The seed of every random draw of the run.")]
    public int Seed { get; init; } = 17;

    [Description("The model whose likelihoods are matched. Absent in a run that only trains on text.")]
    public TeacherDefinition? Teacher { get; init; }

    [Description("The model that is trained.")]
    public StudentDefinition? Student { get; init; }

    [Description("Where models are computed; auto takes CUDA when it is available.")]
    public DeviceChoice Device { get; init; } = DeviceChoice.Auto;

    [Description("CPU threads for computing models; 0 takes all. Resuming bit for bit needs the same number.")]
    [Range(0, 1024)]
    public int Threads { get; init; }

    [Description("Documents that a stage may fail on, by a bug of its own, before the run fails. Bad input is counted separately.")]
    [Range(0, int.MaxValue)]
    [Extends]
    public int MaxFailedRecords { get; init; }

    [Description("Refuse texts longer than a model was made for (max_position_embeddings). Otherwise they are computed with a warning.")]
    [Extends]
    public bool StrictPositions { get; init; }

    [Description("The flows, in the order in which they run.")]
    public required IReadOnlyList<FlowDefinition> Flows { get; init; }
}

/// <summary>Where models are computed.</summary>
public enum DeviceChoice
{
    Auto,
    Cpu,
    Cuda,
}

/// <summary>
/// The model to score with. For the default backend it is a Hugging Face folder. Another backend derives its own record from this one, which overrides
/// <see cref="Backend"/>, describes what its <see cref="Model"/> is, and adds keys.
/// </summary>
public record TeacherDefinition
{
    /// <summary>The backend of a definition that does not name one.</summary>
    public const string DefaultBackend = "torch";

    /// <summary>The name of the backend: that of its <see cref="Teachers.TeacherRegistration"/>.</summary>
    public virtual string Backend => DefaultBackend;

    [Description("A Hugging Face folder: config.json, model.safetensors (or its sharded index), tokenizer.json. run:NAME is a model this run exported.")]
    public virtual required string Model { get; init; }

    [Description("A tokenizer other than the model's own: a folder, a tokenizer.json, or \"bytes\" for one token per byte.")]
    public virtual string? Tokenizer { get; init; }

    [Description("An edit of its activations: a folder that project-sea wrote, or run:NAME. Scores are then those of the edited model.")]
    [Quiet]
    public string? Edit { get; init; }

    [Description("Where it is computed, if not on the run's device: cpu, cuda, or one GPU such as cuda:1.")]
    [RegularExpression(DeviceName.Pattern, ErrorMessage = DeviceName.Expected)]
    [Quiet]
    public string? Device { get; init; }
}

/// <summary>The model that is trained. It begins with the weights of another model, or with random weights from a configuration.</summary>
public sealed record StudentDefinition
{
    [Description("A Hugging Face folder to start from; usually the teacher's.")]
    public string? Model { get; init; }

    [Description("Instead of model: a config.json from which the student is initialized at random.")]
    public string? Config { get; init; }

    [Description("The student's tokenizer: a folder, a tokenizer.json, or \"bytes\". Absent: the model's own. run:NAME is one that this run trained.")]
    public string? Tokenizer { get; init; }

    [Description("How embeddings of the new vocabulary are initialized: fvt (copies and means), mean, random, omp or focus (by way of a donor model), hypernetwork:FOLDER (predicted), or keep (the model keeps its own vocabulary).")]
    [RegularExpression(EmbeddingChoice.Pattern, ErrorMessage = "fvt, mean, random, omp, focus, keep or hypernetwork:FOLDER")]
    public string Embeddings { get; init; } = "fvt";

    [Description("For omp and focus: a model folder that has the student's tokenizer.")]
    public string? Donor { get; init; }

    [Description("At each byte, add the original embedding of the longest source token that ends there (bytes only).")]
    public bool InputExpansion { get; init; }

    [Description("Give the output its own matrix where the model ties it to the input; null unties for bytes only.")]
    public bool? Untie { get; init; }

    [Description("An edit of its activations, active in training and written next to its weights: a folder that project-sea wrote, or run:NAME.")]
    [Quiet]
    public string? Edit { get; init; }

    [Description("Where it is trained, if not on the run's device: cpu, cuda, or one GPU such as cuda:0.")]
    [RegularExpression(DeviceName.Pattern, ErrorMessage = DeviceName.Expected)]
    [Quiet]
    public string? Device { get; init; }
}

/// <summary>A flow: a source, any number of stages, and a sink.</summary>
public sealed record FlowDefinition
{
    [Description("Names the flow in --set, in progress and in the report.")]
    public required string Name { get; init; }

    [Description("The stages, the source first and the sink last.")]
    public required IReadOnlyList<StageDefinition> Stages { get; init; }
}

/// <summary>One stage of a flow.</summary>
/// <param name="Name">The name given in the definition, or else the kind.</param>
/// <param name="Kind">Which stage it is.</param>
/// <param name="Options">The options, as an instance of the registration's options type.</param>
public sealed record StageDefinition(string Name, StageKind Kind, object Options);

/// <summary>The kind of a stage.</summary>
/// <param name="Value">The word after <c>"stage":</c>, such as <c>read-parquet</c>.</param>
public readonly record struct StageKind(string Value)
{
    public override string ToString() => Value;
}
