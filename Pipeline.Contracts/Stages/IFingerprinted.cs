namespace Pipeline.Contracts.Stages;

/// <summary>A stage that decides what a shard holds contributes named parts to the shard's fingerprint.</summary>
public interface IFingerprinted
{
    IReadOnlyDictionary<string, string> Fingerprint { get; }
}
