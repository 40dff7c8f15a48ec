using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Teachers;

/// <summary>Next bytes of one row, and what they took.</summary>
/// <param name="Bytes">A row for each beginning of the text.</param>
/// <param name="Contexts">Distributions over the vocabulary that were summed, those after the document's own tokens among them.</param>
/// <param name="LostShare">
/// Σ over the contexts left out of their weight as a share of the text's probability up to them: no row is off by more in total variation.
/// </param>
public sealed record AnsweredBytes(TeacherBytes Bytes, int Contexts, double LostShare);
