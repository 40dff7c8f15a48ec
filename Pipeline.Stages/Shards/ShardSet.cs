using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>All shards of a complete folder, as one list of blocks in the order of the input.</summary>
public sealed class ShardSet
{
    private readonly ShardReader[] _shards;
    private readonly (int Shard, int Block)[] _blocks;

    private ShardSet(string folder, ShardReader[] shards)
    {
        Folder = folder;
        _shards = shards;
        _blocks = [.. shards.SelectMany((s, shard) => Enumerable.Range(0, s.Footer.Blocks.Count).Select(block => (shard, block)))];
        Totals = shards.Aggregate(ShardTotals.Zero, (sum, s) => sum + s.Footer.Totals);
    }

    public string Folder { get; }

    /// <summary>What the shards are made from. It is the same for all of them.</summary>
    public ShardFingerprint Fingerprint => _shards[0].Header.Fingerprint;

    public IReadOnlyList<ShardReader> Shards => _shards;

    /// <summary>Sums over all shards.</summary>
    public ShardTotals Totals { get; }

    /// <summary>The length of all files together.</summary>
    public long Bytes => _shards.Sum(s => s.Bytes);

    public int BlockCount => _blocks.Length;

    /// <summary>The number of records in a block.</summary>
    public int RecordsIn(int block) => _shards[_blocks[block].Shard].Footer.Blocks[_blocks[block].Block].Records;

    /// <summary>The examples of a block.</summary>
    /// <exception cref="DamagedException">The block is not what was written.</exception>
    public Example[] ReadBlock(int block) => _shards[_blocks[block].Shard].ReadBlock(_blocks[block].Block);

    /// <summary>
    /// Opens a folder for reading, and writes nothing. If the manifest does not list a shard as it is, the program crashed after it had written the
    /// shard and before it wrote the manifest. Such a shard is accepted if all its checksums are right.
    /// </summary>
    /// <param name="storage">Where the folder is.</param>
    /// <param name="folder">Its full path.</param>
    /// <param name="expected">Parts of the fingerprint that the caller depends on.</param>
    /// <exception cref="InputException">There are no shards, some are missing, or they are made from something else.</exception>
    /// <exception cref="DamagedException">A shard or the manifest is not what was written.</exception>
    public static ShardSet Open(IStorage storage, string folder, IReadOnlyDictionary<string, string> expected)
    {
        ShardManifest? manifest = storage.FileExists(ShardManifest.PathIn(folder)) ? ShardManifest.Read(storage, folder) : null;
        int count = manifest?.Count ?? CountFromFiles(storage, folder);
        var shards = new ShardReader[count];
        for (int i = 0; i < count; i++)
        {
            string path = Path.Combine(folder, ShardFormat.FileName(i, count));
            if (!storage.FileExists(path))
                throw new InputException($"{path} is missing: {folder} is not complete; let the flow that writes it finish");
            shards[i] = ShardReader.Open(storage, path);
            ShardHeader header = shards[i].Header;
            if (header.Index != i || header.Count != count)
                throw new DamagedException(path, $"{path} says it is shard {header.Index} of {header.Count}; delete it and run again");
            header.Fingerprint.RequireExactly(manifest is null ? shards[0].Header.Fingerprint : new ShardFingerprint(manifest.Fingerprint), path);
            if (manifest?.Find(i) != shards[i].Entry)
                shards[i].Verify();
        }
        shards[0].Header.Fingerprint.Require(expected, folder);
        return new ShardSet(folder, shards);
    }

    private static int CountFromFiles(IStorage storage, string folder)
    {
        string? first = storage.List(folder).FirstOrDefault(p => p.EndsWith(ShardFormat.Extension, StringComparison.Ordinal) && !Staging.IsStaging(p));
        return first is not null
            ? ShardReader.Open(storage, first).Header.Count
            : throw new InputException($"{folder} holds no shards; run the flow that writes them first, or give another folder");
    }
}
