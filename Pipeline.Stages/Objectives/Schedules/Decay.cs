namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>The way from 1 to a fraction.</summary>
internal static class Decay
{
    /// <param name="kind">Shape of the way.</param>
    /// <param name="way">How much of it is behind, 0..1.</param>
    /// <param name="fraction">The value at its end.</param>
    public static double Of(ScheduleKind kind, double way, double fraction) => kind switch
    {
        ScheduleKind.Constant => 1,
        ScheduleKind.Linear => 1 + (fraction - 1) * way,
        ScheduleKind.Cosine => fraction + (1 - fraction) * 0.5 * (1 + Math.Cos(Math.PI * way)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
