using System.Collections.Concurrent;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tests.Shards;

/// <summary>What a host would hand a stage, with what the stage said kept.</summary>
internal sealed class TestContext(IStorage storage, string runFolder) : IStageMeter, IRejects, IServiceProvider
{
    public List<string> Said { get; } = [];

    public ConcurrentDictionary<string, long> Counts { get; } = new();

    public List<(DocumentId Id, string Reason)> Rejected { get; } = [];

    public Dictionary<string, string> Parts { get; } = new() { ["teacher weights"] = "w1", ["student tokenizer"] = "bytes" };

    public int Seed { get; set; } = 17;

    public StageContext For(Partition? partition = null, long resumeAt = 0, string? writesTo = null)
    {
        return new StageContext(
            new RunDefinition { Name = "test", Seed = Seed, Flows = [] }, new FlowFacts { ShardFolders = writesTo is null ? [] : [writesTo] }, "stage", runFolder, storage, this, this, this, partition)
        {
            Fingerprint = () => Parts,
            Resume = new StreamPosition(resumeAt, 0),
        };
    }

    public void Count(string name, long amount) => Counts.AddOrUpdate(name, amount, (_, sum) => sum + amount);

    public void Scalar(string name, long step, double value)
    {
    }

    public void Progress(long done, long total)
    {
    }

    public void Say(string message) => Said.Add(message);

    public void Reject(DocumentId id, string reason, string message) => Rejected.Add((id, reason));

    public object? GetService(Type serviceType) => null;

    public static async IAsyncEnumerable<T> Stream<T>(IEnumerable<T> items)
    {
        await Task.CompletedTask;
        foreach (T item in items)
            yield return item;
    }
}
