using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Shards;

namespace Pipeline.Stages.Tests.Shards;

public sealed class WriteShardsSinkTests : IDisposable
{
    private const int Count = 3;
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TestContext _context;

    public WriteShardsSinkTests() => _context = new TestContext(_storage, _folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_part_is_committed_once_and_listed()
    {
        for (int i = 0; i < Count; i++)
        {
            Assert.False(Stage(null).IsCommitted(i));
            await WriteAsync(i);
            Assert.True(Stage(null).IsCommitted(i));
        }
        Assert.Equal(Count, Stage(null).PartitionCount);
        ShardManifest manifest = ShardManifest.Read(_storage, _folder["out"]);
        Assert.Equal([0, 1, 2], manifest.Shards.Select(s => s.Index));
        Assert.All(manifest.Shards, s => Assert.Equal(new FileInfo(Path.Combine(_folder["out"], s.File)).Length, s.Bytes));
        Assert.Equal(10 * Count, ShardSet.Open(_storage, _folder["out"], _context.Parts).Totals.Records);
        Assert.Empty(_context.Said);
    }

    [Fact]
    public async Task A_shard_that_a_crash_left_out_of_the_manifest_is_taken_after_verification()
    {
        await WriteAllAsync();
        byte[] complete = File.ReadAllBytes(ShardManifest.PathIn(_folder["out"]));
        ShardManifest manifest = ShardManifest.Read(_storage, _folder["out"]);
        (manifest with { Shards = [manifest.Shards[0]] }).Write(_storage, _folder["out"]);
        Assert.Equal(10 * Count, ShardSet.Open(_storage, _folder["out"], _context.Parts).Totals.Records);
        Assert.True(Stage(null).IsCommitted(1));
        Assert.True(Stage(null).IsCommitted(2));
        Assert.Equal(complete, File.ReadAllBytes(ShardManifest.PathIn(_folder["out"])));

        File.Delete(ShardManifest.PathIn(_folder["out"]));
        Assert.Equal(10 * Count, ShardSet.Open(_storage, _folder["out"], _context.Parts).Totals.Records);
        Assert.All([0, 1, 2], i => Assert.True(Stage(null).IsCommitted(i)));
        Assert.Equal(complete, File.ReadAllBytes(ShardManifest.PathIn(_folder["out"])));
    }

    [Fact]
    public async Task A_flipped_bit_in_an_unlisted_shard_is_found_and_only_it_is_computed_again()
    {
        await WriteAllAsync();
        string path = Path.Combine(_folder["out"], ShardFormat.FileName(1, Count));
        byte[] whole = File.ReadAllBytes(path);
        File.Delete(ShardManifest.PathIn(_folder["out"]));
        byte[] flipped = [.. whole];
        flipped[whole.Length / 2] ^= 4;
        File.WriteAllBytes(path, flipped);
        Assert.Equal([true, false, true], Enumerable.Range(0, Count).Select(Stage(null).IsCommitted));
        Assert.Contains(path, Assert.Single(_context.Said), StringComparison.Ordinal);
        await WriteAsync(1);
        Assert.Equal(whole, File.ReadAllBytes(path));
        Assert.True(Stage(null).IsCommitted(1));
    }

    [Fact]
    public async Task A_damaged_manifest_is_said_and_made_again()
    {
        await WriteAllAsync();
        string path = ShardManifest.PathIn(_folder["out"]);
        byte[] whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..^5]);
        Assert.Throws<DamagedException>(() => ShardSet.Open(_storage, _folder["out"], _context.Parts));
        Assert.All([0, 1, 2], i => Assert.True(Stage(null).IsCommitted(i)));
        Assert.Contains(path, Assert.Single(_context.Said), StringComparison.Ordinal);
        Assert.Equal(whole, File.ReadAllBytes(path));
    }

    [Fact]
    public async Task Shards_of_another_teacher_are_refused_by_name_by_writer_and_reader()
    {
        await WriteAllAsync();
        _context.Parts["teacher weights"] = "w2";
        foreach (Action act in new Action[] { () => Stage(null).IsCommitted(0), () => ShardSet.Open(_storage, _folder["out"], _context.Parts) })
        {
            InputException e = Assert.Throws<InputException>(act);
            Assert.Contains("teacher weights is 'w1', this run expects 'w2'", e.Message, StringComparison.Ordinal);
            Assert.Contains(_folder["out"], e.Message, StringComparison.Ordinal);
        }
        _context.Parts.Remove("teacher weights");
        Assert.Contains("this run has none", Assert.Throws<InputException>(() => Stage(null).IsCommitted(0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_number_of_shards_is_refused()
    {
        await WriteAllAsync();
        var stage = Made.WriteShards(new WriteShardsOptions { To = "out", Count = 4 }, _context.For());
        Assert.Contains("was written as 3 shards, but this definition says 4", Assert.Throws<InputException>(() => stage.IsCommitted(0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_not_complete_is_refused_by_name()
    {
        await WriteAllAsync();
        string missing = Path.Combine(_folder["out"], ShardFormat.FileName(2, Count));
        File.Delete(missing);
        Assert.Contains(missing, Assert.Throws<InputException>(() => ShardSet.Open(_storage, _folder["out"], _context.Parts)).Message, StringComparison.Ordinal);
        Assert.Throws<InputException>(() => ShardSet.Open(_storage, _folder["nowhere"], _context.Parts));
    }

    [Fact]
    public async Task An_input_that_fails_half_way_leaves_no_shard()
    {
        async IAsyncEnumerable<Example> Failing()
        {
            await Task.CompletedTask;
            yield return ExampleSamples.Realistic(1);
            throw new InputException("the input broke");
        }
        using (WriteShardsSink stage = Stage(new Partition(0, Count)))
            await Assert.ThrowsAsync<InputException>(() => stage.RunAsync(Failing(), default));
        Assert.Empty(_storage.List(_folder["out"]));
    }

    [Fact]
    public async Task An_example_larger_than_a_block_is_rejected_and_counted()
    {
        Example huge = ExampleSamples.Realistic(1) with { Text = new string('x', 40_000_000) };
        using WriteShardsSink stage = Stage(new Partition(0, Count));
        await stage.RunAsync(TestContext.Stream([ExampleSamples.Realistic(2), huge]), default);
        Assert.Equal([(huge.Id, "larger than a block")], _context.Rejected);
    }

    private WriteShardsSink Stage(Partition? partition)
        => Made.WriteShards(new WriteShardsOptions { To = "out", Count = Count, BlockRecords = 4 }, _context.For(partition));

    [Fact]
    public async Task A_shard_is_there_when_it_is_committed_and_not_before()
    {
        using (WriteShardsSink stage = Stage(new Partition(0, Count)))
            await stage.RunAsync(TestContext.Stream([ExampleSamples.Realistic(1)]), default);
        Assert.Empty(_storage.List(_folder["out"]));
    }

    private async Task WriteAsync(int part)
    {
        using WriteShardsSink stage = Stage(new Partition(part, Count));
        await stage.RunAsync(TestContext.Stream(Enumerable.Range(part * 10, 10).Select(i => ExampleSamples.Realistic(i))), default);
        stage.Commit();
    }

    private async Task WriteAllAsync()
    {
        for (int i = 0; i < Count; i++)
            await WriteAsync(i);
    }
}
