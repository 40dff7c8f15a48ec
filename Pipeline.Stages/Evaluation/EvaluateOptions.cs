using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Evaluation;

/// <summary>What <c>evaluate</c> may be told.</summary>
public sealed record EvaluateOptions : IAsksTeacher
{
    [Description("The models to judge, all on the same windows of text.")]
    public required IReadOnlyList<EvaluatedModel> Models { get; init; }

    [Description("Several of those models as one.")]
    public IReadOnlyList<EvaluatedEnsemble> Ensembles { get; init; } = [];

    [Description("Which of the models are the student before training, the student after it, and the teacher. Absent: those named student-initial, student and teacher, where all three are there.")]
    public EvaluatedGap? Gap { get; init; }

    [Description("Names the model that the others are compared with: the share of byte offsets where both begin a token and both have the same most likely next byte. Absent: not computed.")]
    public string? Agreement { get; init; }

    [Description("The longest window, in bytes of UTF-8.")]
    [Range(WindowCutter.LeastWindowBytes, 1 << 20)]
    public int WindowBytes { get; init; } = 1024;

    [Description("Tokens of a batch, padding included.")]
    [Range(1, 1 << 24)]
    public int BatchTokens { get; init; } = 8192;

    [Description("Documents are taken until their text is longer than this; the report says when the input went on.")]
    [Range(1, 1 << 30)]
    public int MaxBytes { get; init; } = 32 << 20;

    [Description("Names this judgement's part of the run's report: report/NAME.json.")]
    public string To { get; init; } = "judgement";

    IEnumerable<TeacherNeed> IAsksTeacher.TeacherNeeds => Models.Select((m, i) => (m.Model, i)).Where(m => m.Model == ModelPlace.Teacher)
        .Select(m => TeacherNeed.Online($"models[{m.i}].model", "name a Hugging Face folder, or leave the teacher out"));
}

/// <summary>A model and where it is.</summary>
public sealed record EvaluatedModel
{
    [Description("Names it in the report; the model as written, without run:, when absent.")]
    public string? Name { get; init; }

    [Description("A Hugging Face folder, run:NAME for one this run exported, teacher for the definition's teacher, or student-initial for run:student-initial.")]
    public required string Model { get; init; }

    [Description("Another tokenizer than the folder's own: a folder, a tokenizer.json, or bytes.")]
    public string? Tokenizer { get; init; }
}

/// <summary>Models whose distributions are averaged.</summary>
public sealed record EvaluatedEnsemble
{
    [Description("Names it in the report.")]
    public required string Name { get; init; }

    [Description("Names of models above, two or more, with the same tokenizer.")]
    public required IReadOnlyList<string> Members { get; init; }

    [Description("What is averaged.")]
    public EnsembleAverage Average { get; init; } = EnsembleAverage.Probability;
}

/// <summary>Names of models above.</summary>
public sealed record EvaluatedGap
{
    [Description("The student before training.")]
    public required string Before { get; init; }

    [Description("The student after training.")]
    public required string After { get; init; }

    [Description("The teacher.")]
    public required string Teacher { get; init; }
}
