using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>
/// A folder that shards are written to. The shards are what counts, and the manifest only lists them. A crash between the two, or two processes that
/// write the manifest at once, can lose a line of it but never a shard.
/// </summary>
/// <param name="storage">Where the folder is.</param>
/// <param name="folder">Its full path.</param>
/// <param name="count">How many shards it will have.</param>
/// <param name="fingerprint">What they are made from.</param>
internal sealed class ShardFolder(IStorage storage, string folder, int count, ShardFingerprint fingerprint)
{
    /// <summary>The full path of a shard.</summary>
    public string PathOf(int index) => Path.Combine(folder, ShardFormat.FileName(index, count));

    /// <summary>
    /// Whether a shard exists and is complete. A complete shard that the manifest does not list is added to it, once all its checksums are right.
    /// </summary>
    /// <param name="index">The index of the shard.</param>
    /// <param name="say">Is told why an existing shard is computed again.</param>
    /// <exception cref="InputException">The folder belongs to another definition, or has another version of the format.</exception>
    public bool IsCommitted(int index, Action<string> say)
    {
        ShardManifest? manifest = ReadManifest(say);
        string path = PathOf(index);
        if (!storage.FileExists(path))
            return false;
        try
        {
            ShardReader shard = ShardReader.Open(storage, path);
            shard.Header.Fingerprint.RequireExactly(fingerprint, path);
            if (shard.Header.Index != index || shard.Header.Count != count)
                throw new DamagedException(path, $"{path} says it is shard {shard.Header.Index} of {shard.Header.Count}");
            if (manifest?.Find(index) == shard.Entry)
                return true;
            shard.Verify();
            Write(manifest, shard.Entry);
            return true;
        }
        catch (DamagedException e)
        {
            say($"{e.Message}; computing it again");
            return false;
        }
    }

    /// <summary>Adds a shard that was just committed to the manifest.</summary>
    public void Add(ShardEntry entry, Action<string> say) => Write(ReadManifest(say), entry);

    private ShardManifest? ReadManifest(Action<string> say)
    {
        if (!storage.FileExists(ShardManifest.PathIn(folder)))
            return null;
        try
        {
            ShardManifest manifest = ShardManifest.Read(storage, folder);
            new ShardFingerprint(manifest.Fingerprint).RequireExactly(fingerprint, folder);
            return manifest.Count == count
                ? manifest
                : throw new InputException($"{folder} was written as {manifest.Count} shards, but this definition says {count}; set count to {manifest.Count}, or write to another folder");
        }
        catch (DamagedException e)
        {
            say($"{e.Message}; making it again from the shards");
            return null;
        }
    }

    private void Write(ShardManifest? manifest, ShardEntry entry)
    {
        IEnumerable<ShardEntry> others = manifest?.Shards.Where(s => s.Index != entry.Index) ?? [];
        ShardManifest.Create(count, fingerprint, [.. others, entry]).Write(storage, folder);
    }
}
