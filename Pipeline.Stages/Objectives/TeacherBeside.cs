namespace Pipeline.Stages.Objectives;

/// <summary>When an objective needs a teacher run beside the student.</summary>
internal enum TeacherBeside
{
    Never,

    /// <summary>Where the shards do not hold the teacher's hidden states.</summary>
    WithoutStates,

    /// <summary>Whatever the shards hold.</summary>
    Always,
}
