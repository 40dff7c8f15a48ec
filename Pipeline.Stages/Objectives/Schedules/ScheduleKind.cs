namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>The shape of the curve from one value to another.</summary>
internal enum ScheduleKind
{
    /// <summary>The value does not change.</summary>
    Constant,
    Linear,

    /// <summary>Half a period of a cosine.</summary>
    Cosine,
}
