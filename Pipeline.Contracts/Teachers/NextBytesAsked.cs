namespace Pipeline.Contracts.Teachers;

/// <summary>Which next bytes are wanted of a teacher, and how much of each distribution is kept.</summary>
/// <param name="View">From which contexts; not <see cref="NextByteKnowledge.None"/>.</param>
/// <param name="LeastShare">Contexts beside the document's own tokens that weigh at most this share of the text's probability are left out.</param>
/// <param name="MaxKept">Bytes named at one position, at most.</param>
/// <param name="KeepShare">The likeliest bytes are named until they and the end hold this share of the probability.</param>
public sealed record NextBytesAsked(NextByteKnowledge View, double LeastShare, int MaxKept, double KeepShare);
