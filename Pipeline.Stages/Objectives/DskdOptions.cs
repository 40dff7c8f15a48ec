using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Objectives.Baselines;
using Pipeline.Stages.Objectives.Schedules;

namespace Pipeline.Stages.Objectives;

/// <summary>Dual-space knowledge distillation with cross-model attention (arXiv 2406.17328).</summary>
internal sealed record DskdOptions
{
    [Description("Weight of this objective, in addition to the rule that combines objectives.")]
    [Range(0.0, 1e9)]
    public double Weight { get; init; } = 1;

    [Description("How the weight changes over the steps. Absent: it does not.")]
    public WeightScheduleOptions? Schedule { get; init; }

    [Description("Divergence between the student's distribution and the teacher's in the student's space.")]
    public LogitDivergenceKind Divergence { get; init; } = LogitDivergenceKind.SkewedReverseKl;

    [Description("Temperature of both distributions.")]
    [Range(1e-3, 1e3)]
    public double Temperature { get; init; } = 2;

    [Description("A further temperature of the teacher's distribution.")]
    [Range(1e-3, 1e3)]
    public double TeacherTemperature { get; init; } = 1;

    [Description("λ of the skewed divergences.")]
    [Range(0.0, 1.0)]
    public double SkewLambda { get; init; } = 0.1;

    [Description("Probability mass that counts as the tail in the adaptive divergence.")]
    [Range(0.0, 1.0)]
    public double AdaptiveAlpha { get; init; } = 0.5;
}
