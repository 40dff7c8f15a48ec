using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.FaultTests.Storage;
using Pipeline.Stages.Shards;

namespace Pipeline.FaultTests.Formats;

/// <summary>The bar, item 4.</summary>
public sealed class CutTests
{
    [Fact]
    public void A_shard_cut_at_any_byte_of_header_and_footer_or_at_a_random_length_is_refused_with_file_and_offset()
    {
        var refusals = new Refusals();
        byte[] whole = refusals.Storage.Get(Refusals.Shard);
        ShardReader reader = ShardReader.Open(refusals.Storage, Refusals.Shard);
        long firstBlock = reader.Footer.Blocks[0].Offset;
        long footer = reader.Footer.Blocks[^1].Offset + reader.Footer.Blocks[^1].Length;
        var random = new Random(4);
        IEnumerable<long> lengths = Enumerable.Range(0, whole.Length).Select(i => (long)i).Where(i => i <= firstBlock || i >= footer)
            .Concat(Enumerable.Range(0, FaultCounts.Of(300, 1000)).Select(_ => (long)random.Next(whole.Length)));
        foreach (long length in lengths)
        {
            AlmException? e = refusals.Read(Refusals.Shard, whole[..(int)length]);
            DamagedException damaged = Assert.IsType<DamagedException>(e);
            Assert.Equal(Refusals.Shard, damaged.Path);
            Assert.StartsWith($"{Refusals.Shard}: at byte ", damaged.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(Refusals.Manifest)]
    [InlineData(Refusals.CheckpointManifest)]
    [InlineData(Refusals.Weights)]
    public void Manifests_and_checkpoints_cut_anywhere_are_refused_by_name(string path)
    {
        var refusals = new Refusals();
        byte[] whole = refusals.Storage.Get(path);
        for (int length = 0; length < whole.Length; length++)
            Assert.Contains(path, Assert.IsType<DamagedException>(refusals.Read(path, whole[..length])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_cut_shard_is_computed_again()
    {
        var random = new Random(5);
        for (int i = 0; i < FaultCounts.Of(20, 200); i++)
        {
            var storage = new FaultyStorage();
            Job.Run(storage);
            SortedDictionary<string, string> clean = storage.Snapshot();
            byte[] whole = storage.Get(Refusals.Shard);
            storage.Put(Refusals.Shard, whole[..random.Next(whole.Length)]);
            storage.Created.Clear();
            Job.Run(storage);
            Assert.Equal(clean, storage.Snapshot());
            Assert.Equal(Path.GetFileName(Refusals.Shard), Assert.Single(storage.Created, p => p.EndsWith(ShardFormat.Extension, StringComparison.Ordinal))[^24..]);
        }
    }
}
