using Pipeline.Contracts.Errors;

namespace Pipeline.FaultTests.Storage;

/// <summary>The bar, items 2 and 3, over every call that writing shards and checkpoints makes of the storage.</summary>
public sealed class FailingCallTests
{
    private static readonly Lazy<(SortedDictionary<string, string> Files, int Calls)> Clean = new(() =>
    {
        var storage = new FaultyStorage();
        Job.Run(storage);
        return (storage.Snapshot(), storage.Calls);
    });

    [Fact]
    public void Without_a_fault_the_job_ends_with_shards_and_two_checkpoints()
    {
        Assert.Equal(
            ["/run/checkpoints/step-0000000004/checkpoint.json", "/run/checkpoints/step-0000000004/state.json", "/run/checkpoints/step-0000000004/weights",
             "/run/checkpoints/step-0000000005/checkpoint.json", "/run/checkpoints/step-0000000005/state.json", "/run/checkpoints/step-0000000005/weights",
             "/run/shards/manifest.json", "/run/shards/shard-00000-of-00003.alm", "/run/shards/shard-00001-of-00003.alm", "/run/shards/shard-00002-of-00003.alm"],
            Clean.Value.Files.Keys);
        var again = new FaultyStorage();
        Job.Run(again);
        Job.Run(again);
        Assert.Equal(Clean.Value.Files, again.Snapshot());
    }

    [Theory]
    [InlineData(FaultKind.InputOutputError)]
    [InlineData(FaultKind.NoSpace)]
    [InlineData(FaultKind.ShortWrite)]
    public void Whichever_call_fails_there_is_one_named_error_and_a_rerun_equals_the_clean_result(FaultKind kind)
    {
        for (int n = 0; n < Clean.Value.Calls; n++)
        {
            var storage = new FaultyStorage { FailAt = n, Kind = kind };
            try
            {
                Job.Run(storage);
            }
            catch (StorageException e)
            {
                Assert.Contains("/run", e.Message, StringComparison.Ordinal);
                Assert.Equal(kind != FaultKind.InputOutputError, e.Message.Contains("no space is left", StringComparison.Ordinal));
            }
            storage.Restart();
            Job.Run(storage);
            Assert.True(Clean.Value.Files.SequenceEqual(storage.Snapshot()), $"call {n}");
        }
    }

    [Fact]
    public void Whichever_call_the_process_is_killed_at_the_next_run_equals_the_clean_result()
    {
        for (int n = 0; n < Clean.Value.Calls; n++)
        {
            var storage = new FaultyStorage { FailAt = n, Kind = FaultKind.Kill };
            Assert.Throws<KilledException>(() => Job.Run(storage));
            storage.Restart();
            Job.Run(storage);
            Assert.True(Clean.Value.Files.SequenceEqual(storage.Snapshot()), $"call {n}");
        }
    }

    [Fact]
    public void Whichever_call_the_power_goes_at_the_next_run_equals_the_clean_result()
    {
        for (int n = 0; n < Clean.Value.Calls; n++)
        {
            for (int seed = 0; seed < FaultCounts.Of(3, 100); seed++)
            {
                var storage = new FaultyStorage { FailAt = n, Kind = FaultKind.Kill };
                Assert.Throws<KilledException>(() => Job.Run(storage));
                storage.LosePower(new Random(seed));
                Job.Run(storage);
                Assert.True(Clean.Value.Files.SequenceEqual(storage.Snapshot()), $"call {n}, seed {seed}");
            }
        }
    }

    [Fact]
    public void After_the_end_power_loss_takes_nothing()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var storage = new FaultyStorage();
            Job.Run(storage);
            storage.LosePower(new Random(seed));
            Assert.Equal(Clean.Value.Files.Where(f => !f.Key.Contains("step-0000000002", StringComparison.Ordinal)),
                storage.Snapshot().Where(f => !f.Key.Contains(".staging-", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void A_disk_of_any_size_ends_in_one_named_error_and_with_room_in_the_clean_result()
    {
        long needed = Clean.Value.Files.Values.Sum(f => (long)f.Length / 2);
        for (int i = 0; i < FaultCounts.Of(60, 1000); i++)
        {
            long capacity = needed * i / FaultCounts.Of(60, 1000);
            var storage = new FaultyStorage { Capacity = capacity };
            StorageException e = Assert.Throws<StorageException>(() => Job.Run(storage));
            Assert.Contains("no space is left", e.Message, StringComparison.Ordinal);
            Assert.Contains("at byte", e.Message, StringComparison.Ordinal);
            storage.Capacity = long.MaxValue;
            storage.Restart();
            Job.Run(storage);
            Assert.True(Clean.Value.Files.SequenceEqual(storage.Snapshot()), $"capacity {capacity}");
        }
    }
}
