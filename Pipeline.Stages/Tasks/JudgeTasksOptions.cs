using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Stages.Tasks;

/// <summary>The options of the stage <c>judge-tasks</c>.</summary>
public sealed record JudgeTasksOptions : IAsksTeacher, IValidatableObject
{
    [Description("The models to judge, all on the same questions.")]
    public required IReadOnlyList<EvaluatedModel> Models { get; init; }

    [Description("Ensembles: several of those models that answer as one.")]
    public IReadOnlyList<EvaluatedEnsemble> Ensembles { get; init; } = [];

    [Description("The model or ensemble that every other is compared with, question by question. Absent: none.")]
    public string? Reference { get; init; }

    [Description("Tokens per batch, padding included; for an ensemble of different tokenizers, bytes.")]
    [Range(1, 1 << 24)]
    public int BatchTokens { get; init; } = 8192;

    [Description("Number of answers that are generated together.")]
    [Range(1, 4096)]
    public int Batch { get; init; } = 16;

    [Description("Number of questions after which the answers are saved. A stop loses at most that many.")]
    [Range(1, 4096)]
    public int PartQuestions { get; init; } = 256;

    [Description("The longest window of text for perplexity, in bytes of UTF-8.")]
    [Range(WindowCutter.LeastWindowBytes, 1 << 20)]
    public int WindowBytes { get; init; } = 1024;

    [Description("Bytes of such a window that are judged; those before them are context. Absent: all of it.")]
    [Range(WindowCutter.LeastWindowBytes, 1 << 20)]
    public int? Stride { get; init; }

    [Description("Number of bootstrap samples of the questions, for intervals. They depend on the run's seed.")]
    [Range(100, 1_000_000)]
    public int Resamples { get; init; } = 1000;

    [Description("The name of these results: report/NAME.json has all figures, and the folder NAME each model's results and answers in the layout of lm-evaluation-harness.")]
    public string To { get; init; } = "tasks";

    /// <summary>The same models and ensembles as options of <c>evaluate</c>, whose rules and plan are used here too.</summary>
    internal EvaluateOptions Evaluated => new() { Models = Models, Ensembles = Ensembles, To = To, WindowBytes = WindowBytes, Stride = Stride };

    IEnumerable<TeacherNeed> IAsksTeacher.TeacherNeeds => ((IAsksTeacher)Evaluated).TeacherNeeds;

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext)
    {
        foreach (ValidationResult fault in EvaluationRules.Of(Evaluated))
            yield return fault;
        string[] names = [.. Models.Select(m => m.Title), .. Ensembles.Select(e => e.Name)];
        if (Reference is not null && !names.Contains(Reference))
            yield return new ValidationResult($"'reference' names '{Reference}', which is not one of {string.Join(", ", names.Select(n => $"'{n}'"))}", [nameof(Reference)]);
    }
}
