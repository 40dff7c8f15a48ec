using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher;

/// <summary>What a definition may say of the <c>score-teacher</c> stage.</summary>
public sealed record ScoreTeacherOptions : IAsksTeacher
{
    [Description("Teacher tokens of one forward pass, padding included: rows times the longest row. Lower it when memory runs out.")]
    [Range(1, 1 << 24)]
    public int BatchTokens { get; init; } = 8192;

    [Description("Documents that are sorted by length together. More means less padding and more memory.")]
    [Range(1, 1 << 20)]
    public int Window { get; init; } = 2048;

    [Description("Teacher hidden states to keep at chunk ends, for the latents objective: 0 is the embedding output, -1 the last layer. None when absent.")]
    public IReadOnlyList<int>? HiddenLayers { get; init; }

    IEnumerable<TeacherNeed> IAsksTeacher.TeacherNeeds
        => HiddenLayers is null ? [] : [TeacherNeed.HiddenStates("hiddenLayers", "leave it out")];
}
