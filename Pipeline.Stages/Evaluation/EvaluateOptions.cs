using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Ensembles;

namespace Pipeline.Stages.Evaluation;

/// <summary>The options of the stage <c>evaluate</c>.</summary>
public sealed record EvaluateOptions : IAsksTeacher, IValidatableObject
{
    [Description("The models to judge, all on the same windows of text.")]
    public required IReadOnlyList<EvaluatedModel> Models { get; init; }

    [Description("Ensembles: several of those models that answer as one.")]
    public IReadOnlyList<EvaluatedEnsemble> Ensembles { get; init; } = [];

    [Description("Which of the models are the student before training, the student after it, and the teacher. Absent: those named student-initial, student and teacher, if there are all three.")]
    public EvaluatedGap? Gap { get; init; }

    [Description("The name of the model that the others are compared with: the share of byte offsets where both begin a token and both have the same most likely next byte. Absent: not computed.")]
    public string? Agreement { get; init; }

    [Description("Also judge by the exact distribution over the next byte at every byte: bits per byte, the share of bytes where the most likely next byte is that of the reference (agreement, else the teacher), and the Kullback-Leibler divergence from it. Costs a pass of about one position per byte for each model, and another of the reference. For BPE tokenizers.")]
    public bool ExactBytes { get; init; }

    [Description("The longest window, in bytes of UTF-8.")]
    [Range(WindowCutter.LeastWindowBytes, 1 << 20)]
    public int WindowBytes { get; init; } = 1024;

    [Description("Bytes of a window that are judged; those before them are context, so windows overlap. Absent: windows do not overlap and are judged whole.")]
    [Range(WindowCutter.LeastWindowBytes, 1 << 20)]
    public int? Stride { get; init; }

    [Description("Tokens per batch, padding included.")]
    [Range(1, 1 << 24)]
    public int BatchTokens { get; init; } = 8192;

    [Description("Documents are read until their text is longer than this. The report says so if there was more input.")]
    [Range(1, 1 << 30)]
    public int MaxBytes { get; init; } = 32 << 20;

    [Description("Windows per model that the report keeps token by token: those on which the model is furthest behind the teacher (of the gap, else the model named teacher). 0 keeps none.")]
    [Range(0, 1000)]
    public int Differing { get; init; } = 5;

    [Description("The name of these results in the run's report: report/NAME.json.")]
    public string To { get; init; } = "judgement";

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext) => EvaluationRules.Of(this);

    IEnumerable<TeacherNeed> IAsksTeacher.TeacherNeeds => Models.Select((m, i) => (m.Model, i)).Where(m => m.Model == ModelPlace.Teacher)
        .Select(m => TeacherNeed.Online($"models[{m.i}].model", "name a Hugging Face folder, or leave the teacher out"));
}

/// <summary>A model that is judged, and where it is.</summary>
public sealed record EvaluatedModel
{
    [Description("Its name in the report. Absent: the model as written, without run:.")]
    public string? Name { get; init; }

    /// <summary>Its name in the report: <see cref="Name"/>, or the model as written without its prefix.</summary>
    internal string Title => Name ?? (Model.StartsWith(RunPaths.RunPrefix, StringComparison.Ordinal) ? Model[RunPaths.RunPrefix.Length..] : Model);

    [Description("A Hugging Face folder, run:NAME for one this run exported, teacher for the definition's teacher, or student-initial for run:student-initial.")]
    public required string Model { get; init; }

    [Description("A tokenizer other than the folder's own: a folder, a tokenizer.json, or bytes.")]
    public string? Tokenizer { get; init; }

    [Description("An edit of its activations: a folder that project-sea wrote, or run:NAME. Absent for the teacher: the teacher's own.")]
    public string? Edit { get; init; }
}

/// <summary>Several models that answer as one: their distributions are averaged.</summary>
public sealed record EvaluatedEnsemble
{
    [Description("Its name in the report.")]
    public required string Name { get; init; }

    [Description("Names of two or more of the models. Models that share a tokenizer are averaged over its tokens, others over exact next bytes.")]
    public required IReadOnlyList<string> Members { get; init; }

    [Description("What is averaged.")]
    public EnsembleAverage Average { get; init; } = EnsembleAverage.Probability;

    [Description("One weight for each member; they are divided by their sum. Empty: all the same. Weights of log-probabilities may be negative: 1, 1, -1 for a base, an expert and an anti-expert is proxy tuning.")]
    public IReadOnlyList<double> Weights { get; init; } = [];
}

/// <summary>The three models between which the share of the gap closed is computed, by their names.</summary>
public sealed record EvaluatedGap
{
    [Description("The student before training.")]
    public required string Before { get; init; }

    [Description("The student after training.")]
    public required string After { get; init; }

    [Description("The teacher.")]
    public required string Teacher { get; init; }
}
