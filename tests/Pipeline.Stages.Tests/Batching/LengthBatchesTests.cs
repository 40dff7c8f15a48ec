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
    public void No_batch_could_have_taken_the_first_sequence_of_the_next_where_little_is_padding()
        => Gen.Select(Gen.Int[500, 520].Array[1, 300], Gen.Int[1, 4096]).Sample((lengths, budget) =>
        {
            IReadOnlyList<int[]> batches = LengthBatches.Plan(lengths, budget);
            for (int b = 1; b < batches.Count; b++)
                Assert.True((long)(batches[b - 1].Length + 1) * lengths[batches[b][0]] > budget);
        });

    [Fact]
    public void Where_a_twentieth_would_be_padding_only_small_batches_have_more()
        => Gen.Select(Lengths, Gen.Int[600, 8192]).Sample((lengths, budget) =>
        {
            IReadOnlyList<int[]> batches = LengthBatches.Plan(lengths, budget);
            long Padding(int[] batch) => LengthBatches.PaddedTokens(lengths, batch) - batch.Sum(i => (long)lengths[i]);
            if (batches.Sum(Padding) * 20 <= batches.Sum(batch => LengthBatches.PaddedTokens(lengths, batch)))
                return;
            foreach (int[] batch in batches)
                Assert.True(Padding(batch) * 20 <= LengthBatches.PaddedTokens(lengths, batch) || (long)(batch.Length - 1) * lengths[batch[^2]] * 16 < budget);
        });

    [Fact]
    public void Few_long_documents_and_their_remainders_are_padded_by_less_than_a_twentieth()
    {
        // What a part of eight of a corpus of long documents looks like: most cut at the limit, the rest of any length.
        int[] lengths = [.. Enumerable.Repeat(512, 50), .. Enumerable.Range(1, 17).Select(i => i * 29)];
        IReadOnlyList<int[]> batches = LengthBatches.Plan(lengths, 8192);
        long cells = batches.Sum(batch => LengthBatches.PaddedTokens(lengths, batch));
        Assert.InRange((cells - lengths.Sum()) / (double)cells, 0, 0.05);
        Assert.InRange(batches.Count, 5, 10);
    }

    [Fact]
    public void Equal_lengths_keep_their_order()
        => Assert.Equal([[1, 2, 3], [0]], LengthBatches.Plan([9, 4, 4, 4], 18));
}
