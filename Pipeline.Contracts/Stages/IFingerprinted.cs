namespace Pipeline.Contracts.Stages;

/// <summary>
/// A stage that has a say in what the output is made from. Its named parts go to the header of every shard of the flow, so that a reader
/// can name the difference when it refuses a shard that was made from something else.
/// </summary>
public interface IFingerprinted
{
    /// <summary><see cref="Formats.FingerprintPart"/> to value, such as a hash. Two stages of a flow that name the same part give it the same value.</summary>
    IReadOnlyDictionary<string, string> Fingerprint { get; }
}
