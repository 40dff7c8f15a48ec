using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives;

/// <summary>The teacher's log boundary mass after a chunk, as an objective reads it. All values are at most 0.</summary>
/// <param name="Log">What is added to the chunk's log-likelihood.</param>
/// <param name="Lower">A lower bound on the log mass; the mass itself where it is known.</param>
/// <param name="Upper">An upper bound on the log mass; the mass itself where it is known.</param>
internal readonly record struct ChunkBoundary(float Log, float Lower, float Upper)
{
    public bool IsFinite => float.IsFinite(Log) && float.IsFinite(Lower) && float.IsFinite(Upper);

    /// <summary>The boundary of a chunk; zeros where the rules do not read it and the scores do not contain the masses themselves.</summary>
    /// <param name="example">The example, for messages.</param>
    /// <param name="scores">Its teacher's scores.</param>
    /// <param name="last">The index of the chunk's last teacher token.</param>
    /// <param name="rules">What the objective reads.</param>
    /// <exception cref="InputException">The scores do not contain the kind of masses that the rules read.</exception>
    public static ChunkBoundary Of(Example example, TeacherScores scores, int last, ChunkRules rules)
    {
        bool isRead = rules.Use == ChunkUse.Likelihood && (rules.Boundary != BoundaryMode.None || rules.Gamma is not null);
        if (scores.NegLogBoundary is { } known)
        {
            if (isRead && rules.Boundary is BoundaryMode.AppendLower or BoundaryMode.AppendMidpoint)
                throw new InputException($"document {example.Id}: its boundary masses are known exactly, but alm.boundary expects bounds; use append-boundary");
            float log = -known[last];
            log = log > 0 ? 0 : log;
            return new ChunkBoundary(log, log, log);
        }
        if (!isRead)
            return default;
        if (scores.Interval is not { } interval)
        {
            throw new InputException(
                $"document {example.Id}: its shard holds no boundary masses, which alm.{(rules.Boundary == BoundaryMode.None ? "gamma" : "boundary")} reads; "
                + "use \"boundary\": \"none\" and \"gamma\": null, or score with a teacher that knows them");
        }
        if (rules.Boundary == BoundaryMode.AppendBoundary)
        {
            throw new InputException(
                $"document {example.Id}: its shard holds bounds on the boundary masses, which alm.boundary 'append-boundary' does not take; "
                + "use append-lower, append-midpoint or none");
        }
        float lower = Math.Min(0, -interval.NegLogLower[last]), upper = Math.Min(0, -interval.NegLogUpper[last]);
        float taken = rules.Boundary == BoundaryMode.AppendMidpoint ? (float)Math.Log((Math.Exp(lower) + Math.Exp(upper)) / 2) : lower;
        return new ChunkBoundary(taken, lower, upper);
    }
}
