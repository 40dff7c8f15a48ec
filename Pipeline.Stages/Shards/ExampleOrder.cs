using Pipeline.Stages.Batching;

namespace Pipeline.Stages.Shards;

/// <summary>
/// The order in which examples are read. It is a pure function of seed, epoch and position. The blocks are shuffled, and then the records of each group
/// of <paramref name="groupBlocks"/> consecutive blocks are mixed. Memory holds only one group at a time, and any position is found without reading
/// what comes before its group.
/// </summary>
/// <param name="blockRecords">The number of records of each block.</param>
/// <param name="seed">The seed of the run.</param>
/// <param name="groupBlocks">The number of blocks whose records are mixed; null leaves everything in the order of the input.</param>
internal sealed class ExampleOrder(int[] blockRecords, long seed, int? groupBlocks)
{
    private const long BlockPurpose = -1;

    /// <summary>The number of records of an epoch.</summary>
    public long Records { get; } = blockRecords.Sum(r => (long)r);

    /// <summary>The groups of an epoch in order, each as the blocks that are read together.</summary>
    public IEnumerable<ArraySegment<int>> Groups(long epoch)
    {
        int[] order = groupBlocks is null
            ? [.. Enumerable.Range(0, blockRecords.Length)]
            : new CounterRandom(CounterRandom.Key(seed, epoch, BlockPurpose)).Permutation(blockRecords.Length);
        int size = groupBlocks ?? 1;
        for (int start = 0; start < order.Length; start += size)
            yield return new ArraySegment<int>(order, start, Math.Min(size, order.Length - start));
    }

    /// <summary>The number of records in a group.</summary>
    public int RecordsIn(ArraySegment<int> group) => group.Sum(block => blockRecords[block]);

    /// <summary>The order of the records in a group.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="groupIndex">The place of the group in the epoch, from 0.</param>
    /// <param name="records">The number of records in the group.</param>
    /// <returns>[records] Indices into the records of the group's blocks, one block after the other.</returns>
    public int[] Within(long epoch, int groupIndex, int records) => groupBlocks is null
        ? [.. Enumerable.Range(0, records)]
        : new CounterRandom(CounterRandom.Key(seed, epoch, groupIndex)).Permutation(records);
}
