namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>A factor that goes from 1 to a given fraction.</summary>
internal static class Decay
{
    /// <summary>The factor at a point on the way.</summary>
    /// <param name="kind">The shape of the curve.</param>
    /// <param name="progress">How much of the way is done, 0 to 1.</param>
    /// <param name="fraction">The factor at the end.</param>
    public static double Of(ScheduleKind kind, double progress, double fraction) => kind switch
    {
        ScheduleKind.Constant => 1,
        ScheduleKind.Linear => 1 + (fraction - 1) * progress,
        ScheduleKind.Cosine => fraction + (1 - fraction) * 0.5 * (1 + Math.Cos(Math.PI * progress)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
