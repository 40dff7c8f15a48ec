namespace Pipeline.Contracts.Stages;

/// <summary>
/// A stage that decides what the output is made from. Its named parts go to the header of every shard of the flow, so that a reader
/// can refuse by name a shard that was made from something else.
/// </summary>
public interface IFingerprinted
{
    /// <summary><see cref="Formats.FingerprintPart"/> to value, such as a hash. Two stages of a flow that name the same part give it the same value.</summary>
    IReadOnlyDictionary<string, string> Fingerprint { get; }
}
