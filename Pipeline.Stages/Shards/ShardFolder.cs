using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>
/// A folder that shards are written to. The shards are the truth, the manifest lists them: a crash between the two, or two processes
/// that write it at once, lose a line of the manifest and no shard.
/// </summary>
internal sealed class ShardFolder(IStorage storage, string folder, int count, ShardFingerprint fingerprint)
{
    public string PathOf(int index) => Path.Combine(folder, ShardFormat.FileName(index, count));

    /// <summary>Whether the shard exists and is complete. If it is, but is not in the manifest, it is added to it.</summary>
    /// <param name="index">Which.</param>
    /// <param name="say">Told why an existing shard is computed again.</param>
    /// <exception cref="InputException">The folder belongs to another definition, or to another version of the format.</exception>
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

    /// <summary>Lists a shard that was just committed.</summary>
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
