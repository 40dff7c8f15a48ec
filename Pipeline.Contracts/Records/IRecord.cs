namespace Pipeline.Contracts.Records;

/// <summary>What flows from stage to stage. A record itself says what a bounded queue and a reject file must know about it, so a new kind of record cannot be forgotten there.</summary>
public interface IRecord
{
    /// <summary>Where it came from; null if it does not belong to a single document.</summary>
    DocumentId? Id { get; }

    /// <summary>Bytes that it holds, near enough to bound a queue: a document may be 64 MiB, so a limit by count alone limits nothing.</summary>
    long Weight { get; }
}
