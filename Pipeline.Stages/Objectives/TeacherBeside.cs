namespace Pipeline.Stages.Objectives;

/// <summary>When an objective needs a teacher that runs alongside the student.</summary>
internal enum TeacherBeside
{
    Never,

    /// <summary>Only if the shards do not contain the teacher's hidden states.</summary>
    WithoutStates,

    /// <summary>Whatever the shards contain.</summary>
    Always,
}
