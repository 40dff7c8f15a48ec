namespace Pipeline.Contracts.Records;

/// <summary>What flows from stage to stage. A record says itself what a bounded queue and a reject file must know of it: a new one cannot be forgotten there.</summary>
public interface IRecord
{
    /// <summary>Where it came from; null where it stands for no one document.</summary>
    DocumentId? Id { get; }

    /// <summary>Bytes that it holds, near enough to bound a queue: a document may be 64 MiB, so that a bound by count alone bounds nothing.</summary>
    long Weight { get; }
}
