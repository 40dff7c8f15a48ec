using Pipeline.Contracts.Formats;
using Pipeline.FaultTests.Formats;
using Pipeline.FaultTests.Storage;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Tests.Shards;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>A shard, every record read.</summary>
internal sealed class ShardTarget : FuzzTarget
{
    private readonly Refusals _refusals = new();
    private readonly byte[] _whole;

    public ShardTarget() => _whole = _refusals.Storage.Get(Refusals.Shard);

    public override string Name => "shard";

    public override IReadOnlyList<int> KeptSeeds => [628];

    public override void Read(int seed)
    {
        if (_refusals.Read(Refusals.Shard, new ShardMutator(_whole, new Random(seed)).Mutate()) is { } refused)
            throw refused;
    }
}

/// <summary>A shard of the version that holds next bytes, every record read.</summary>
internal sealed class NextBytesShardTarget : FuzzTarget
{
    private readonly Refusals _refusals = new();
    private readonly byte[] _whole;

    public NextBytesShardTarget()
    {
        var storage = new FaultyStorage();
        var header = new ShardHeader(ShardFingerprint.Of(new Dictionary<string, string> { [FingerprintPart.TeacherNextBytes] = "trunk" }), 1, 3);
        using (var writer = new ShardWriter(storage, Refusals.Shard, header, new ShardWriterOptions(BlockRecords: 2)))
        {
            for (int i = 0; i < 5; i++)
                writer.Add(ExampleSamples.WithNextBytes(ExampleSamples.Realistic(i, words: 8), i));
            writer.Commit();
        }
        _whole = storage.Get(Refusals.Shard);
    }

    public override string Name => "next-bytes-shard";

    public override void Read(int seed)
    {
        if (_refusals.Read(Refusals.Shard, new ShardMutator(_whole, new Random(seed)).Mutate()) is { } refused)
            throw refused;
    }
}

/// <summary>The manifest of a folder of shards.</summary>
internal sealed class ManifestTarget : FuzzTarget
{
    private readonly Refusals _refusals = new();
    private readonly byte[] _whole;

    public ManifestTarget() => _whole = _refusals.Storage.Get(Refusals.Manifest);

    public override string Name => "manifest";

    public override IReadOnlyList<int> KeptSeeds => [614];

    public override void Read(int seed)
    {
        var random = new Random(seed);
        if (_refusals.Read(Refusals.Manifest, JsonMutator.Mutate(_whole, random, new ShardMutator([], random))) is { } refused)
            throw refused;
    }
}
