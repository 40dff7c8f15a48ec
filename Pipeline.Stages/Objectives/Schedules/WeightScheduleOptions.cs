using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>How an objective's weight changes over the steps.</summary>
internal sealed record WeightScheduleOptions
{
    [Description("The shape of the change from the weight to its end value.")]
    public ScheduleKind Kind { get; init; } = ScheduleKind.Linear;

    [Description("Step at which the change begins; before it, the weight is the objective's own.")]
    [Range(0L, 1L << 40)]
    public long Begin { get; init; }

    [Description("Step at which the end value is reached and kept.")]
    [Range(1L, 1L << 40)]
    public required long End { get; init; }

    [Description("The end value as a fraction of the weight: 0 turns the objective off, 2 doubles it.")]
    [Range(0.0, 1e9)]
    public double Fraction { get; init; }
}
