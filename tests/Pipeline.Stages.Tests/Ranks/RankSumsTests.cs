using Pipeline.Contracts.Errors;
using Pipeline.Stages.Ranks;

namespace Pipeline.Stages.Tests.Ranks;

public sealed class RankSumsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public async Task Every_rank_has_the_sum_that_a_tree_written_plainly_gives_to_the_bit(int count)
    {
        foreach (int length in new[] { 0, 1, 2, 3, 7, 8, 64, 1001 })
        {
            float[][] values = [.. Enumerable.Range(0, count).Select(r => Values(length, seed: (100 * r) + length))];
            float[][] nodes = [.. values.Select(v => v.ToArray())];
            for (int width = 1; width < count; width *= 2)
            {
                for (int r = 0; r < count; r += 2 * width)
                    nodes[r] = [.. nodes[r].Zip(nodes[r + width], (a, b) => a + b)];
            }
            await ThreadRanks.RunAsync(count, ranks =>
            {
                float[] mine = [.. values[ranks.Rank]];
                ranks.Sum(mine.AsSpan());
                Assert.Equal(nodes[0], mine);
                Assert.InRange(ranks.BytesSent, 0, 2L * (length + count) * sizeof(float));
                return Task.CompletedTask;
            });
        }
    }

    [Fact]
    public async Task Ranks_agree_on_a_stop_on_what_the_first_says_and_on_numbers_of_any()
        => await ThreadRanks.RunAsync(4, ranks =>
        {
            Assert.True(ranks.Any(ranks.Rank == 2));
            Assert.False(ranks.Any(false));
            Assert.Equal(7, ranks.FromFirst(ranks.Rank == 0 ? 7 : 1));
            double[] numbers = [ranks.Rank, 0.5];
            ranks.Share(3, numbers);
            Assert.Equal([3, 0.5], numbers);
            ranks.Wait();
            return Task.CompletedTask;
        });

    [Fact]
    public async Task A_rank_that_has_something_else_is_named_on_every_rank()
        => await ThreadRanks.RunAsync(4, ranks =>
        {
            ranks.Agree("the weather", "fine");
            InputException e = Assert.Throws<InputException>(() => ranks.Agree("the weather", ranks.Rank == 2 ? "rain" : "fine"));
            Assert.Contains("disagree on the weather: rank 2 (0x", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("rank 1", e.Message, StringComparison.Ordinal);
            return Task.CompletedTask;
        });

    [Theory]
    [InlineData("", 1)]
    [InlineData("OMPI_COMM_WORLD_SIZE=4", 4)]
    [InlineData("PMI_SIZE=2", 2)]
    [InlineData("PMIX_RANK=0 SLURM_STEP_NUM_TASKS=8", 8)]
    [InlineData("SLURM_STEP_NUM_TASKS=8", 1)]
    public void Ranks_are_what_a_launcher_of_MPI_started(string environment, int count)
    {
        Dictionary<string, string> values = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=')).ToDictionary(p => p[0], p => p[1]);
        Assert.Equal(count, MpiRanks.CountIn(values.GetValueOrDefault));
        if (count == 1)
            Assert.Same(OneRank.Instance, MpiRanks.Join(values.GetValueOrDefault));
    }

    // Of very different size, so that every order of adding has bits of its own.
    private static float[] Values(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-4, 5))))];
    }
}
