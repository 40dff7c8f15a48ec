namespace Pipeline.Contracts.Records;

/// <summary>The teacher token that is nearest to a student token.</summary>
/// <param name="StudentId">The student's token.</param>
/// <param name="TeacherId">The teacher's token; -1 if no student token has this id.</param>
/// <param name="Distance">The Levenshtein distance between the bytes of the two.</param>
public readonly record struct TokenMatch(int StudentId, int TeacherId, int Distance) : IRecord
{
    /// <summary>Null, because a match belongs to two vocabularies and not to a document.</summary>
    public DocumentId? Id => null;

    public long Weight => RecordWeight.Overhead;
}
