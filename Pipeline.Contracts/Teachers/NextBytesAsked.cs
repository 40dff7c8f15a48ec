namespace Pipeline.Contracts.Teachers;

/// <summary>Which next bytes a teacher is asked for, and how much of each distribution is kept.</summary>
/// <param name="View">From which contexts; not <see cref="NextByteKnowledge.None"/>.</param>
/// <param name="LeastShare">Contexts other than the document's own tokens with at most this share of the text's probability are left out.</param>
/// <param name="MaxKept">Most bytes kept at one position.</param>
/// <param name="KeepShare">The most likely bytes are kept until they and the end hold this share of the probability.</param>
public sealed record NextBytesAsked(NextByteKnowledge View, double LeastShare, int MaxKept, double KeepShare);
