namespace Pipeline.Stages.Objectives;

/// <summary>A chunk of one row that counts, before any merging by boundary mass. Positions are token indices within the row.</summary>
/// <param name="TeacherLogLikelihood">The sum of the teacher's log-likelihoods of its tokens, at most 0.</param>
/// <param name="TeacherLogBoundary">The teacher's log boundary mass after the chunk, at most 0.</param>
/// <param name="TeacherTokens">The number of teacher tokens.</param>
/// <param name="TeacherLast">The position of the last teacher token.</param>
/// <param name="StudentStart">The position of the first student token.</param>
/// <param name="StudentEnd">The position after the last student token.</param>
/// <param name="Source">The index, in the example, of the last chunk of the alignment that is part of this one.</param>
/// <param name="AfterGap">Whether tokens or chunks that do not count lie between this chunk and the one before it.</param>
internal readonly record struct ChunkPart(
    float TeacherLogLikelihood, float TeacherLogBoundary, int TeacherTokens, int TeacherLast,
    int StudentStart, int StudentEnd, int Source, bool AfterGap)
{
    /// <summary>Bounds on the teacher's log boundary mass; null where the mass itself is known.</summary>
    public (float Lower, float Upper)? Bounds { get; init; }
}
