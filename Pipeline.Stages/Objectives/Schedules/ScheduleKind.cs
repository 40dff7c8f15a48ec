namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>The shape of a way from one value to another.</summary>
public enum ScheduleKind
{
    /// <summary>The first value throughout.</summary>
    Constant,
    Linear,

    /// <summary>Half a cosine.</summary>
    Cosine,
}
