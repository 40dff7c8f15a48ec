using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Formats;

/// <summary>A committed shard, as the manifest lists it.</summary>
/// <param name="Index">Its index, from 0.</param>
/// <param name="File">The name of the file.</param>
/// <param name="Bytes">The length of the file.</param>
/// <param name="Records">The number of records in it.</param>
/// <param name="Hash">The hash of its content, as its trailer has it.</param>
public sealed record ShardEntry(int Index, string File, long Bytes, long Records, string Hash);

/// <summary>The file <c>manifest.json</c> of a folder of shards.</summary>
/// <param name="Format">The name of the format, which is always the same.</param>
/// <param name="Version">The version of the shards.</param>
/// <param name="Count">How many shards there will be.</param>
/// <param name="Fingerprint">What they are made from, as named parts.</param>
/// <param name="Shards">Those that are committed, by ascending index.</param>
public sealed record ShardManifest(
    string Format, int Version, int Count, IReadOnlyDictionary<string, string> Fingerprint, IReadOnlyList<ShardEntry> Shards)
{
    public const string FileName = "manifest.json";

    private const string FormatName = "alm shards";

    public static ShardManifest Create(int count, ShardFingerprint fingerprint, IEnumerable<ShardEntry> shards)
        => new(FormatName, fingerprint.Version, count, fingerprint.Parts, [.. shards.OrderBy(s => s.Index)]);

    public static string PathIn(string folder) => Path.Combine(folder, FileName);

    public ShardEntry? Find(int index) => Shards.FirstOrDefault(s => s.Index == index);

    public void Write(IStorage storage, string folder) => CheckedJson.Write(storage, PathIn(folder), this);

    /// <summary>Reads and checks the manifest of a folder.</summary>
    /// <exception cref="DamagedException">It is not what was written. If it is deleted, it is made again from the shards.</exception>
    /// <exception cref="InputException">It has a version that this program does not read.</exception>
    public static ShardManifest Read(IStorage storage, string folder)
    {
        string path = PathIn(folder);
        var manifest = CheckedJson.Read<ShardManifest>(
            storage, path, FormatName, ShardFormat.LastVersion, "delete it and run the same command again: it is made again from the shards", ShardFormat.FirstVersion);
        int last = -1;
        // The JSON reader cannot check that the elements of a list are not null, so a null in an untrusted file gets this far.
        foreach (ShardEntry? shard in manifest.Shards)
        {
            if (shard is null)
                throw new DamagedException(path, $"{path}: a shard is null; delete the manifest and run again");
            if (shard.Index <= last || shard.Index >= manifest.Count || shard.File != ShardFormat.FileName(shard.Index, manifest.Count))
                throw new DamagedException(path, $"{path}: shard {shard.Index} of {manifest.Count} in file '{shard.File}' is not in its place; delete the manifest and run again");
            last = shard.Index;
        }
        if (manifest.Fingerprint.Any(p => p.Value is null))
            throw new DamagedException(path, $"{path}: a part of the fingerprint is null; delete the manifest and run again");
        return manifest.Count is >= 1 and <= ShardFormat.MaxShards
            ? manifest
            : throw new DamagedException(path, $"{path}: {manifest.Count} shards, expected 1 to {ShardFormat.MaxShards}; delete the manifest and run again");
    }
}
