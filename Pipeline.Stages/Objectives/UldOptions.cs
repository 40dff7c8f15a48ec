using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Objectives.Schedules;

namespace Pipeline.Stages.Objectives;

/// <summary>Universal logit distillation: sorted probabilities, position by position (arXiv 2402.12030).</summary>
internal sealed record UldOptions
{
    [Description("Weight of this objective, in addition to the rule that combines objectives.")]
    [Range(0.0, 1e9)]
    public double Weight { get; init; } = 1;

    [Description("How the weight changes over the steps. Absent: it does not.")]
    public WeightScheduleOptions? Schedule { get; init; }
}
