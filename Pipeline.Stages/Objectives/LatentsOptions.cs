using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Objectives.Schedules;

namespace Pipeline.Stages.Objectives;

/// <summary>The alignment of hidden states: those of the student at chunk ends follow those of the teacher.</summary>
internal sealed record LatentsOptions
{
    [Description("Weight of this objective, in addition to the rule that combines objectives.")]
    [Range(0.0, 1e9)]
    public double Weight { get; init; } = 1;

    [Description("How the weight changes over the steps. Absent: it does not.")]
    public WeightScheduleOptions? Schedule { get; init; }

    [Description("Distance of two states, divided by its mean size in the teacher, over all channels or per channel.")]
    public LatentNormalization Normalization { get; init; } = LatentNormalization.L2Channelwise;

    [Description("Which hidden states are compared.")]
    public LatentLayers Layers { get; init; } = LatentLayers.Last;

    [Description("With layers 'chosen': the student layers. 0 is the embedding output; the number of layers is the output after the final norm.")]
    public IReadOnlyList<int>? StudentLayers { get; init; }

    [Description("With layers 'chosen': the teacher layer that each student layer follows.")]
    public IReadOnlyList<int>? TeacherLayers { get; init; }

    [Description("Which chunks are compared at their ends.")]
    public ChunkKind Chunks { get; init; } = ChunkKind.Every;

    [Description("A learned projector from student to teacher width. Absent: only where the widths differ.")]
    public bool? Projector { get; init; }

    /// <summary>Checks that concern several keys at once and need no model.</summary>
    /// <param name="member">The name of the property that holds this record.</param>
    /// <param name="key">The key of that property in definitions.</param>
    internal IEnumerable<ValidationResult> Faults(string member, string key)
    {
        if (Layers != LatentLayers.Chosen)
        {
            string? given = StudentLayers is not null ? nameof(StudentLayers) : TeacherLayers is not null ? nameof(TeacherLayers) : null;
            if (given is not null)
                yield return new ValidationResult($"'{key}': 'studentLayers' and 'teacherLayers' are only for layers 'chosen'; set that or leave them out", [$"{member}.{given}"]);
        }
        else if (StudentLayers is not { Count: > 0 } student || TeacherLayers?.Count != student.Count)
        {
            yield return new ValidationResult(
                $"'{key}.layers' is chosen, with {StudentLayers?.Count ?? 0} 'studentLayers' and {TeacherLayers?.Count ?? 0} 'teacherLayers'; expected one or more, and the same number of both",
                [$"{member}.{nameof(Layers)}"]);
        }
    }
}

/// <summary>The distance of two hidden states and what it is divided by.</summary>
internal enum LatentNormalization
{
    /// <summary>The squared difference, divided by the teacher's mean square.</summary>
    L2,

    /// <summary>The same, by channel. The default.</summary>
    L2Channelwise,

    /// <summary>The absolute difference, divided by the teacher's mean absolute value.</summary>
    L1,

    /// <summary>The same, by channel.</summary>
    L1Channelwise,
}

/// <summary>Which hidden states are compared.</summary>
internal enum LatentLayers
{
    /// <summary>The output after the final norm.</summary>
    Last,

    /// <summary>The output of the embeddings and of every layer. Both models must have the same depth.</summary>
    All,

    /// <summary>The pairs of layers that the definition gives.</summary>
    Chosen,
}
