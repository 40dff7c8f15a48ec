namespace Pipeline.Contracts.Records;

/// <summary>
/// What the ALM objective reads of the teacher, two numbers per teacher token, as negative natural logarithms. Shards hold them in
/// float16 or less (<see cref="Formats.ScorePrecision"/>).
/// </summary>
/// <param name="NegLogLikelihood">
/// [n]: -log p(token i | tokens before i). Entry 0 is 0 and means nothing: the first token of a sequence has no score.
/// </param>
/// <param name="NegLogBoundary">
/// [n]: -log of the mass of boundary tokens in the distribution that follows token i. Null if the teacher did not give the mass:
/// <see cref="Interval"/> may then have bounds on it.
/// </param>
public sealed record TeacherScores(float[] NegLogLikelihood, float[]? NegLogBoundary)
{
    /// <summary>Bounds on the boundary mass, if it is not known but part of the distribution was seen; else null.</summary>
    public BoundaryInterval? Interval { get; init; }
}

/// <summary>
/// Bounds on the boundary mass after each token, as negative natural logarithms: the mass is at least exp(-<paramref name="NegLogLower"/>)
/// and at most exp(-<paramref name="NegLogUpper"/>). A token after which nothing is known has the largest float16 and 0.
/// </summary>
/// <param name="NegLogLower">[n].</param>
/// <param name="NegLogUpper">[n], none above its lower bound's.</param>
public sealed record BoundaryInterval(float[] NegLogLower, float[] NegLogUpper);
