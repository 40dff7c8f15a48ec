using System.Diagnostics;
using Pipeline.Contracts.Errors;

namespace Pipeline.FaultTests.Formats;

/// <summary>
/// Files that somebody made on purpose, with right checksums: the readers refuse or read, and do nothing else. The fast form tries the
/// first seeds and every seed that ever failed; <c>ALM_FAULTS=full ALM_FUZZ_SECONDS=600</c> goes on for ten minutes a format.
/// </summary>
public sealed class FuzzTests
{
    // Seeds that once got another exception than a refusal, kept so that they never do again.
    private static readonly int[] ShardSeeds = [628];
    private static readonly int[] ManifestSeeds = [614];

    [Fact]
    public void A_shard_from_a_stranger_is_read_or_refused()
        => Fuzz(Refusals.Shard, ShardSeeds, (whole, random) => new ShardMutator(whole, random).Mutate());

    [Theory]
    [InlineData(Refusals.Manifest)]
    [InlineData(Refusals.CheckpointManifest)]
    public void A_manifest_from_a_stranger_is_read_or_refused(string path)
        => Fuzz(path, ManifestSeeds, (whole, random) => JsonMutator.Mutate(whole, random, new ShardMutator([], random)));

    private static void Fuzz(string path, int[] keptSeeds, Func<byte[], Random, byte[]> mutate)
    {
        var refusals = new Refusals();
        byte[] whole = refusals.Storage.Get(path);
        long started = Stopwatch.GetTimestamp();
        int tried = 0;
        int accepted = 0;
        foreach (int seed in keptSeeds.Concat(Enumerable.Range(0, int.MaxValue)))
        {
            if (tried >= 3000 && (!FaultCounts.Full || Stopwatch.GetElapsedTime(started) > FaultCounts.FuzzTime))
                break;
            tried++;
            byte[] mutated = mutate(whole, new Random(seed));
            try
            {
                AlmException? e = refusals.Read(path, mutated);
                if (e is null)
                    accepted++;
                else
                    Assert.True(e is DamagedException or InputException, e.Message);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException || e.Message.Length > 0)
            {
                throw new InvalidOperationException($"seed {seed} of {path}: {e.GetType().Name} {e.Message}", e);
            }
        }
        // Both ends are reached: a mutator whose every file is refused at once would test one line.
        Assert.InRange(accepted, 1, tried - 1);
    }
}
