namespace Pipeline.Stages.Objectives;

/// <summary>A chunk of one row that counts, before merging by boundary mass. Positions are those of the row.</summary>
/// <param name="TeacherLogBoundary">What the objective appends.</param>
/// <param name="AfterGap">Tokens or chunks that do not count lie between this chunk and the one before it.</param>
internal readonly record struct ChunkPart(
    float TeacherLogLikelihood, float TeacherLogBoundary, int TeacherTokens, int TeacherLast,
    int StudentStart, int StudentEnd, int Source, bool AfterGap)
{
    /// <summary>Log bounds on the teacher's boundary mass, where it is not known.</summary>
    public (float Lower, float Upper)? Bounds { get; init; }
}
