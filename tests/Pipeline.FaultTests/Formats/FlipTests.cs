using Pipeline.Contracts.Errors;
using Pipeline.Stages.Shards;

namespace Pipeline.FaultTests.Formats;

/// <summary>The bar, item 5.</summary>
public sealed class FlipTests
{
    [Fact]
    public void A_flipped_bit_anywhere_in_a_shard_is_refused()
    {
        var refusals = new Refusals();
        byte[] whole = refusals.Storage.Get(Refusals.Shard);
        ShardReader reader = ShardReader.Open(refusals.Storage, Refusals.Shard);
        int firstBlock = (int)reader.Footer.Blocks[0].Offset;
        int footer = (int)(reader.Footer.Blocks[^1].Offset + reader.Footer.Blocks[^1].Length);
        var random = new Random(6);
        IEnumerable<int> bits = Enumerable.Range(0, whole.Length * 8).Where(bit => bit / 8 < firstBlock || bit / 8 >= footer)
            .Concat(Enumerable.Range(0, FaultCounts.Of(1000, 10_000)).Select(_ => random.Next(firstBlock * 8, footer * 8)));
        foreach (int bit in bits)
            AssertRefused(refusals, Refusals.Shard, whole, bit);
    }

    [Theory]
    [InlineData(Refusals.Manifest)]
    [InlineData(Refusals.CheckpointManifest)]
    [InlineData(Refusals.Weights)]
    [InlineData(Refusals.State)]
    public void A_flipped_bit_anywhere_in_a_manifest_or_a_checkpoint_is_refused(string path)
    {
        var refusals = new Refusals();
        byte[] whole = refusals.Storage.Get(path);
        for (int bit = 0; bit < whole.Length * 8; bit++)
            AssertRefused(refusals, path, whole, bit);
    }

    private static void AssertRefused(Refusals refusals, string path, byte[] whole, int bit)
    {
        byte[] flipped = [.. whole];
        flipped[bit / 8] ^= (byte)(1 << (bit % 8));
        AlmException? e = refusals.Read(path, flipped);
        Assert.True(e is DamagedException && e.Message.Contains(path, StringComparison.Ordinal), $"bit {bit} of {path}: {e?.Message ?? "accepted"}");
    }
}
