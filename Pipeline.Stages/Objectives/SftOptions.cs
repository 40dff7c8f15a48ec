using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Objectives.Schedules;

namespace Pipeline.Stages.Objectives;

/// <summary>Next-token cross-entropy on the text.</summary>
internal sealed record SftOptions
{
    [Description("Weight of this objective, in addition to the rule that combines objectives.")]
    [Range(0.0, 1e9)]
    public double Weight { get; init; } = 1;

    [Description("How the weight changes over the steps. Absent: it does not.")]
    public WeightScheduleOptions? Schedule { get; init; }
}
