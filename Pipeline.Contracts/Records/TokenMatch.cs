namespace Pipeline.Contracts.Records;

/// <summary>
/// The teacher token nearest to a student token by the Levenshtein distance of their bytes; -1 for ids that no student token has.
/// </summary>
public readonly record struct TokenMatch(int StudentId, int TeacherId, int Distance) : IRecord
{
    /// <summary>None: it belongs to two vocabularies, not to a document.</summary>
    public DocumentId? Id => null;

    public long Weight => RecordWeight.Overhead;
}
