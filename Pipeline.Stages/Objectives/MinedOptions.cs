using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Objectives.Schedules;

namespace Pipeline.Stages.Objectives;

/// <summary>MinED: teacher logits under a map from each student token to the nearest teacher token by edit distance.</summary>
internal sealed record MinedOptions
{
    [Description("Weight of this objective, in addition to the rule that combines objectives.")]
    [Range(0.0, 1e9)]
    public double Weight { get; init; } = 1;

    [Description("How the weight changes over the steps. Absent: it does not.")]
    public WeightScheduleOptions? Schedule { get; init; }

    [Description("Temperature of both distributions.")]
    [Range(1e-3, 1e3)]
    public double Temperature { get; init; } = 2;

    [Description("The token map: a file that the write-token-map stage wrote (run:NAME for one of this run).")]
    public required string Mapping { get; init; }
}
