namespace Pipeline.Stages.Objectives;

/// <summary>What an objective reads of the models and the examples. A trainer computes only what some objective needs.</summary>
[Flags]
internal enum ObjectiveNeeds
{
    None = 0,

    /// <summary>The student's log p(token | tokens before it) at each position.</summary>
    LogLikelihood = 1,

    /// <summary>The student's log boundary mass after each position.</summary>
    LogBoundary = 2,

    /// <summary>Hidden states of the student, from the layers in <see cref="IObjective.Layers"/>.</summary>
    Hidden = 4,

    /// <summary>All logits of the student.</summary>
    Logits = 8,

    /// <summary>The teacher's scores and the chunks in the examples.</summary>
    TeacherScores = 16,

    /// <summary>The teacher's hidden states at chunk ends, from shards or from a teacher that runs alongside the student.</summary>
    TeacherHidden = 32,

    /// <summary>A teacher that runs alongside the student: its logits, and the output embeddings of both where the objective reads them.</summary>
    TeacherOnline = 64,

    /// <summary>The divergence of the student's next bytes from the teacher's next bytes in the examples.</summary>
    NextBytes = 128,
}
