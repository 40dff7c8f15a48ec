namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>The shape of a way from one value to another.</summary>
internal enum ScheduleKind
{
    /// <summary>The first value throughout.</summary>
    Constant,
    Linear,

    /// <summary>Half a cosine.</summary>
    Cosine,
}
