namespace Pipeline.Contracts.Records;

/// <summary>
/// What flows from stage to stage. Queues and the reject file know of a record only what it says here about itself, so they work for every kind of
/// record.
/// </summary>
public interface IRecord
{
    /// <summary>The document that the record comes from; null if it does not belong to a single one.</summary>
    DocumentId? Id { get; }

    /// <summary>
    /// The bytes of memory that the record takes, accurate enough to limit a queue by. A limit on the number of records alone would not do, because a
    /// single document may have 64 MiB.
    /// </summary>
    long Weight { get; }
}
