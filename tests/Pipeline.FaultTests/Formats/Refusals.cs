using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.FaultTests.Storage;
using Pipeline.Stages.Checkpoints;
using Pipeline.Stages.Shards;

namespace Pipeline.FaultTests.Formats;

/// <summary>A run's files, one of them changed, and what the readers make of it.</summary>
internal sealed class Refusals
{
    public const string Shard = "/run/shards/shard-00001-of-00003.alm";
    public const string Manifest = "/run/shards/manifest.json";
    public const string Weights = "/run/checkpoints/step-0000000005/weights";
    public const string State = "/run/checkpoints/step-0000000005/state.json";
    public const string CheckpointManifest = "/run/checkpoints/step-0000000005/checkpoint.json";

    private const long MostBytesAllocated = 64L << 20;

    public Refusals() => Job.Run(Storage);

    public FaultyStorage Storage { get; } = new();

    /// <summary>Reads everything of the artifact that the file belongs to.</summary>
    /// <returns>The error, or null when it was accepted.</returns>
    public AlmException? Read(string path, byte[] content)
    {
        byte[] whole = Storage.Get(path);
        Storage.Put(path, content);
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            ReadArtifact(path);
            return null;
        }
        catch (AlmException e)
        {
            return e;
        }
        finally
        {
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Storage.Put(path, whole);
            Assert.InRange(allocated, 0, MostBytesAllocated);
        }
    }

    private void ReadArtifact(string path)
    {
        if (path == Shard)
            _ = ShardReader.Open(Storage, path).ReadAll().Count();
        else if (path == Manifest)
            ShardManifest.Read(Storage, "/run/shards");
        else
            CheckpointSet.Open(Storage, "/run/checkpoints/step-0000000005");
    }
}
