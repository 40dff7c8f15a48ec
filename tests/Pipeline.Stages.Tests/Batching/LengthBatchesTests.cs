using CsCheck;
using Pipeline.Stages.Batching;

namespace Pipeline.Stages.Tests.Batching;

public class LengthBatchesTests
{
    private static readonly Gen<int[]> Lengths = Gen.Int[1, 600].Array[1, 300];

    [Fact]
    public void Every_sequence_is_in_exactly_one_batch()
        => Gen.Select(Lengths, Gen.Int[1, 4096]).Sample((lengths, budget) =>
            Assert.Equal(Enumerable.Range(0, lengths.Length), LengthBatches.Plan(lengths, budget).SelectMany(b => b).Order()));

    [Fact]
    public void A_batch_keeps_to_the_budget_unless_one_sequence_alone_is_above_it()
        => Gen.Select(Lengths, Gen.Int[1, 4096]).Sample((lengths, budget) =>
        {
            foreach (int[] batch in LengthBatches.Plan(lengths, budget))
                Assert.True(batch.Length == 1 || LengthBatches.PaddedTokens(lengths, batch) <= budget);
        });

    [Fact]
    public void No_batch_could_have_taken_the_first_sequence_of_the_next()
        => Gen.Select(Lengths, Gen.Int[1, 4096]).Sample((lengths, budget) =>
        {
            IReadOnlyList<int[]> batches = LengthBatches.Plan(lengths, budget);
            for (int b = 1; b < batches.Count; b++)
                Assert.True((long)(batches[b - 1].Length + 1) * lengths[batches[b][0]] > budget);
        });

    [Fact]
    public void Equal_lengths_keep_their_order()
        => Assert.Equal([[1, 2, 3], [0]], LengthBatches.Plan([9, 4, 4, 4], 18));
}
