namespace Pipeline.Contracts.Stages;

<<<<<<< HEAD
/// <summary>A stage that decides what a shard holds contributes named parts to the shard's fingerprint.</summary>
public interface IFingerprinted
{
=======
/// <summary>
/// A stage whose output depends on something beside its input: a file, a model, a tokenizer, an option. What is written after it
/// carries these parts, and a reader that expects others refuses by their names.
/// </summary>
public interface IFingerprinted
{
    /// <summary>Part by name ("teacher weights", "student tokenizer", "input", "limits"): a hash, or a short text that says it all.</summary>
>>>>>>> shards
    IReadOnlyDictionary<string, string> Fingerprint { get; }
}
