using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Artifacts;
using Pipeline.Stages.Checkpoints;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Tests.Shards;

namespace Pipeline.FaultTests.Formats;

/// <summary>The bar, item 15: files that past versions of the program wrote, kept as they were.</summary>
public sealed class VersionTests
{
    private readonly DiskStorage _storage = new();

    public static TheoryData<int> Versions => [.. Enumerable.Range(1, ShardFormat.LastVersion)];

    [Theory]
    [MemberData(nameof(Versions))]
    public void Files_of_a_past_version_are_read(int version)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "Formats", "Versions", $"{version}");
        Assert.Empty(ArtifactVerifier.Verify(_storage, folder).Findings);
        ShardSet set = ShardSet.Open(_storage, Path.Combine(folder, "shards"), new Dictionary<string, string> { ["student tokenizer"] = "bytes" });
        Assert.All(set.Shards, shard => Assert.Equal(version, shard.Version));
        Assert.Equal(
            VersionSample.Examples(version).Select(ExampleSamples.Print),
            Enumerable.Range(0, set.BlockCount).SelectMany(set.ReadBlock).Select(ExampleSamples.Print));
        Checkpoint checkpoint = CheckpointSet.FindLatest(_storage, Path.Combine(folder, "checkpoints")).Latest!;
        Assert.Equal(7, checkpoint.Step);
        Assert.Equal("{\"window\": 3}", checkpoint.ReadState());
    }

    [Fact]
    public void Manifests_of_a_later_version_are_refused_by_number()
    {
        using var folder = new TemporaryFolder();
        var manifest = ShardManifest.Create(1, ShardFingerprint.Of(new Dictionary<string, string>()), []);
        (manifest with { Version = 99 }).Write(_storage, folder.Path);
        Assert.Contains("version 99", Assert.Throws<InputException>(() => ShardManifest.Read(_storage, folder.Path)).Message, StringComparison.Ordinal);
        (CheckpointManifest.Create(7, []) with { Version = 99 }).Write(_storage, folder["step-0000000007"]);
        Assert.Contains("version 99", Assert.Throws<InputException>(() => CheckpointSet.FindLatest(_storage, folder.Path)).Message, StringComparison.Ordinal);
    }
}
