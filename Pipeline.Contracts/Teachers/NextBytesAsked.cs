namespace Pipeline.Contracts.Teachers;

/// <summary>Which next bytes a teacher is asked for, and how much of each distribution is kept.</summary>
/// <param name="View">From which contexts they are summed; not <see cref="NextByteKnowledge.None"/>.</param>
/// <param name="LeastShare">A context off the document's own tokens is left out if it has at most this share of the text's probability.</param>
/// <param name="MaxKept">The most bytes that are kept at one position.</param>
/// <param name="KeepShare">The most likely bytes are kept until they and the end have this share of the probability.</param>
public sealed record NextBytesAsked(NextByteKnowledge View, double LeastShare, int MaxKept, double KeepShare);
