namespace Pipeline.Contracts.Records;

/// <summary>
/// What the ALM objective reads of the teacher: two numbers for each of the teacher's n tokens, as negative natural logarithms. Shards hold them in
/// float16 or with fewer bits (<see cref="Formats.ScorePrecision"/>).
/// </summary>
/// <param name="NegLogLikelihood">
/// [n] -log p(token i | the tokens before it). Entry 0 is 0 and means nothing, because nothing predicts the first token of a sequence.
/// </param>
/// <param name="NegLogBoundary">
/// [n] -log of the boundary mass after token i: the probability that a token follows which begins a new word or is special. Null if the teacher did not
/// give it; <see cref="Interval"/> may then have bounds.
/// </param>
public sealed record TeacherScores(float[] NegLogLikelihood, float[]? NegLogBoundary)
{
    /// <summary>Bounds on the boundary mass, where the teacher saw only a part of the distribution; otherwise null.</summary>
    public BoundaryInterval? Interval { get; init; }
}

/// <summary>
/// Bounds on the boundary mass after each token, as negative natural logarithms: the mass is at least exp(-<paramref name="NegLogLower"/>) and at most
/// exp(-<paramref name="NegLogUpper"/>). Where nothing is known, they are the largest float16 and 0.
/// </summary>
/// <param name="NegLogLower">[n] From the lower bounds.</param>
/// <param name="NegLogUpper">[n] From the upper bounds; no entry is above the one of <paramref name="NegLogLower"/>.</param>
public sealed record BoundaryInterval(float[] NegLogLower, float[] NegLogUpper);
