namespace Pipeline.Stages.Objectives;

/// <summary>What an objective reads of the models, so that a trainer computes nothing that no objective asks for.</summary>
[Flags]
internal enum ObjectiveNeeds
{
    None = 0,

    /// <summary>log p(token | tokens before it) of the student, per position.</summary>
    LogLikelihood = 1,

    /// <summary>The student's log boundary mass after each position.</summary>
    LogBoundary = 2,

    /// <summary>Hidden states of the student; <see cref="IObjective.Layers"/> says which.</summary>
    Hidden = 4,

    /// <summary>The student's logits, whole.</summary>
    Logits = 8,

    /// <summary>Teacher scores and chunks in the examples.</summary>
    TeacherScores = 16,

    /// <summary>Hidden states of the teacher at chunk ends, from the cache or from a teacher run beside the student.</summary>
    TeacherHidden = 32,

    /// <summary>A teacher run beside the student: its logits (and the embeddings of both, where the objective says so).</summary>
    TeacherOnline = 64,

    /// <summary>The divergence of the student's next bytes from those in the examples.</summary>
    NextBytes = 128,
}
