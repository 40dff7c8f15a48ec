namespace Pipeline.Contracts.Stages;

/// <summary>
/// A stage that decides what the output is made from. Its named parts go to the header of every shard of the flow, so that a reader
/// can refuse by name a shard that was made from something else.
/// </summary>
public interface IFingerprinted
{
    /// <summary>Part to value, such as "teacher tokenizer" to a hash. Names of one flow are distinct.</summary>
    IReadOnlyDictionary<string, string> Fingerprint { get; }
}
