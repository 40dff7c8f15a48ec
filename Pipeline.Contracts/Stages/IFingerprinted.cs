namespace Pipeline.Contracts.Stages;

/// <summary>
/// A stage that helps to decide what the flow's output is made from. Its named parts are written into the header of every shard of the flow. A reader
/// that refuses shards made from something else can then name the difference.
/// </summary>
public interface IFingerprinted
{
    /// <summary>
    /// Values, such as hashes, by the names in <see cref="Formats.FingerprintPart"/>. Two stages of a flow that name the same part must give it the
    /// same value; otherwise the run fails.
    /// </summary>
    IReadOnlyDictionary<string, string> Fingerprint { get; }
}
