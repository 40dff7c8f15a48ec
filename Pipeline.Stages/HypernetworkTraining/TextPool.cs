using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Shards;

namespace Pipeline.Stages.HypernetworkTraining;

/// <summary>Texts of shards that are kept in memory, to sample tokenizers from. Whole blocks are taken, evenly spaced over all shards.</summary>
internal static class TextPool
{
    /// <summary>Reads the texts.</summary>
    /// <param name="sets">The shards.</param>
    /// <param name="maxBytes">The limit in UTF-8 bytes. The last block may exceed it.</param>
    /// <param name="cancellationToken">Cancels the reading between two blocks.</param>
    /// <exception cref="InputException">The shards hold no text.</exception>
    public static List<string> Of(IReadOnlyList<ShardSet> sets, long maxBytes, CancellationToken cancellationToken)
    {
        (ShardSet Set, int Block)[] blocks = [.. sets.SelectMany(set => Enumerable.Range(0, set.BlockCount).Select(block => (set, block)))];
        var texts = new List<string>();
        long bytes = 0;
        foreach (int index in Spaced(blocks.Length))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (bytes >= maxBytes)
                break;
            foreach (Example example in blocks[index].Set.ReadBlock(blocks[index].Block))
            {
                texts.Add(example.Text);
                bytes += Encoding.UTF8.GetByteCount(example.Text);
            }
        }
        return texts.Count > 0 ? texts : throw new InputException($"{string.Join(", ", sets.Select(s => s.Folder))}: no text to sample tokenizers from; the shards hold no examples");
    }

    /// <summary>Every index once, such that the first k are spread over all of them (van der Corput's order in base 2).</summary>
    internal static IEnumerable<int> Spaced(int count)
    {
        int bits = 0;
        while (1 << bits < count)
            bits++;
        for (uint i = 0; i < 1u << bits; i++)
        {
            uint reversed = 0;
            for (int b = 0; b < bits; b++)
                reversed |= (i >> b & 1) << (bits - 1 - b);
            if (reversed < count)
                yield return (int)reversed;
        }
    }
}
