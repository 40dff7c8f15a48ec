using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>The learning rate over the steps: a warm-up from 0, then a decay until the last step. A first phase may come before the warm-up.</summary>
internal sealed record LearningRateOptions
{
    [Description("Shape of the decay after the warm-up.")]
    public ScheduleKind Kind { get; init; } = ScheduleKind.Linear;

    [Description("The largest learning rate.")]
    [Range(0.0, 1e3)]
    public double Rate { get; init; } = 1e-5;

    [Description("Steps over which the rate rises linearly from 0.")]
    [Range(0L, 1L << 40)]
    public long WarmupSteps { get; init; }

    [Description("The rate at the last step, as a fraction of the largest.")]
    [Range(0.0, 1.0)]
    public double EndFraction { get; init; }

    [Description("Steps before the warm-up in which the rate rises linearly from 0 to prefixRate: a first phase for new parameters.")]
    [Range(0L, 1L << 40)]
    public long PrefixSteps { get; init; }

    [Description("The rate at the end of the first phase.")]
    [Range(0.0, 1e3)]
    public double PrefixRate { get; init; }
}
