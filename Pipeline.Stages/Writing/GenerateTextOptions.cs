using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Writing;

/// <summary>The options of the stage <c>generate-text</c>.</summary>
internal sealed record GenerateTextOptions : IAsksTeacher
{
    [Description("At most this many new tokens for each prompt.")]
    [Range(1, 1_000_000)]
    public int MaxNewTokens { get; init; } = 256;

    [Description("Logits are divided by it before a token is sampled; 0 takes the most likely one.")]
    [Range(0, 100)]
    public double Temperature { get; init; } = 1;

    [Description("Sample from the k most likely tokens. Absent: from all.")]
    [Range(1, 1_000_000)]
    public int? TopK { get; init; }

    [Description("Sample from the most likely tokens whose probabilities add up to this. Absent: from all.")]
    [Range(0.0001, 1)]
    public double? TopP { get; init; }

    [Description("Number of prompts that are continued together.")]
    [Range(1, 4096)]
    public int Batch { get; init; } = 16;

    [Description("What happens to an answer that the limit cut off: keep, or reject (and count).")]
    public CutAnswers CutAnswers { get; init; } = CutAnswers.Keep;

    IEnumerable<TeacherNeed> IAsksTeacher.TeacherNeeds => [new TeacherNeed("stage", "a teacher that generates text", a => a.Generates, "generate the answers elsewhere and read them as text")];
}

/// <summary>What happens to an answer that the limit on new tokens cut off.</summary>
internal enum CutAnswers
{
    Keep,
    Reject,
}
