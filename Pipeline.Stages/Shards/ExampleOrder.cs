using Pipeline.Stages.Batching;

namespace Pipeline.Stages.Shards;

/// <summary>
/// The order of examples, a pure function of (seed, epoch, position): blocks are permuted, and the records of each
/// <paramref name="groupBlocks"/> consecutive ones are mixed, so that memory is that many blocks and a position is found without
/// reading what is before it.
/// </summary>
/// <param name="blockRecords">Records of each block.</param>
/// <param name="seed">Of the run.</param>
/// <param name="groupBlocks">Blocks mixed with each other; null leaves everything in the order of the input.</param>
internal sealed class ExampleOrder(int[] blockRecords, long seed, int? groupBlocks)
{
    private const long BlockPurpose = -1;

    public long Records { get; } = blockRecords.Sum(r => (long)r);

    /// <summary>Which blocks are read together, in order.</summary>
    public IEnumerable<ArraySegment<int>> Groups(long epoch)
    {
        int[] order = groupBlocks is null
            ? [.. Enumerable.Range(0, blockRecords.Length)]
            : new CounterRandom(CounterRandom.Key(seed, epoch, BlockPurpose)).Permutation(blockRecords.Length);
        int size = groupBlocks ?? 1;
        for (int start = 0; start < order.Length; start += size)
            yield return new ArraySegment<int>(order, start, Math.Min(size, order.Length - start));
    }

    public int RecordsIn(ArraySegment<int> group) => group.Sum(block => blockRecords[block]);

    /// <summary>The order inside a group, as indices into its blocks laid end to end.</summary>
    public int[] Within(long epoch, int groupIndex, int records) => groupBlocks is null
        ? [.. Enumerable.Range(0, records)]
        : new CounterRandom(CounterRandom.Key(seed, epoch, groupIndex)).Permutation(records);
}
