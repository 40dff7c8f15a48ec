using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Objectives.Schedules;

namespace Pipeline.Stages.Objectives;

/// <summary>The divergence of the student's next bytes from the teacher's.</summary>
internal sealed record BytesOptions
{
    [Description("Weight of this objective, in addition to the rule that combines objectives.")]
    [Range(0.0, 1e9)]
    public double Weight { get; init; } = 1;

    [Description("How the weight changes over the steps. Absent: it does not.")]
    public WeightScheduleOptions? Schedule { get; init; }

    [Description("Where next bytes are compared: at every byte, or only after the teacher's whole tokens, as ALM does. The second shows what the bytes inside tokens are worth.")]
    public BytePositions Positions { get; init; }
}
