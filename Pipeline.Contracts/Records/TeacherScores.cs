namespace Pipeline.Contracts.Records;

/// <summary>
/// What the ALM objective reads of the teacher, two numbers per teacher token, as negative natural logarithms. Shards hold them in
/// float16 or less (<see cref="Formats.ScorePrecision"/>).
/// </summary>
/// <param name="NegLogLikelihood">
/// [n]: -log p(token i | tokens before i). Entry 0 is 0 and means nothing: the first token of a sequence has no score.
/// </param>
/// <param name="NegLogBoundary">[n]: -log of the mass of boundary tokens in the distribution that follows token i.</param>
public sealed record TeacherScores(float[] NegLogLikelihood, float[] NegLogBoundary);
