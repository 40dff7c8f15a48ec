using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Teachers;

/// <summary>The next bytes of one row, and what they took.</summary>
/// <param name="Bytes">The distributions, one after each beginning of the text.</param>
/// <param name="Contexts">How many distributions over the vocabulary were summed, including those after the document's own tokens.</param>
/// <param name="LostShare">
/// What pruning left out: the sum, over the contexts that were dropped, of their weight as a share of the text's probability up to them. No row is off
/// by more than this in total variation.
/// </param>
public sealed record AnsweredBytes(TeacherBytes Bytes, int Contexts, double LostShare);
