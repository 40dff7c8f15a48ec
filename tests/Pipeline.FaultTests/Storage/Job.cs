using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Checkpoints;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Tests;
using Pipeline.Stages.Tests.Shards;

namespace Pipeline.FaultTests.Storage;

/// <summary>
/// A run as far as files go: lock, clean, write the shards that are missing, then train: steps with checkpoints, from the newest on.
/// Runs again after anything and ends with the same files.
/// </summary>
internal static class Job
{
    public const string Folder = "/run";
    private const int Shards = 3;
    private const int Steps = 5;
    private const int Every = 2;

    public static void Run(IStorage storage, string folder = Folder, int words = 12, int weightBytes = 300)
    {
        storage.CreateDirectory(folder);
        using IDisposable held = storage.Lock(Path.Combine(folder, ".lock"));
        Staging.CleanDead(storage, folder);
        WriteShards(storage, folder, words);
        Train(storage, folder, weightBytes);
    }

    private static void WriteShards(IStorage storage, string folder, int words)
    {
        var context = new TestContext(storage, folder);
        var options = new WriteShardsOptions { To = "shards", Count = Shards, BlockRecords = 2 };
        for (int i = 0; i < Shards; i++)
        {
            var stage = Made.WriteShards(options, context.For(new Partition(i, Shards)));
            if (stage.IsCommitted(i))
                continue;
            using (stage)
            {
                stage.RunAsync(TestContext.Stream(Enumerable.Range(i * 5, 5).Select(r => ExampleSamples.Realistic(r, words: words))), default).GetAwaiter().GetResult();
                stage.Commit();
            }
        }
    }

    // The weights are a sum over what was read, so that a step done twice or left out shows.
    private static void Train(IStorage storage, string folder, int weightBytes)
    {
        string path = Path.Combine(folder, "checkpoints");
        byte[] weights = new byte[weightBytes];
        var writer = new CheckpointWriter(storage, path, keep: 2);
        Checkpoint? latest = writer.Resume().Latest;
        if (latest is not null)
        {
            using Stream file = latest.OpenRead("weights");
            file.ReadExactly(weights);
        }
        ShardSet set = ShardSet.Open(storage, Path.Combine(folder, "shards"), new Dictionary<string, string>());
        for (long step = latest?.Step ?? 0; step < Steps;)
        {
            foreach (Example example in set.ReadBlock((int)(step % set.BlockCount)))
                weights[example.Id.Row % weightBytes] += (byte)((step * 7) + example.Student.Count);
            step++;
            if (step % Every == 0 || step == Steps)
                writer.Write(step, $"{{\"step\":{step}}}", ("weights", s => s.Write(weights)));
        }
    }
}
