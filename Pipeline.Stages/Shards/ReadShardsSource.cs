using System.Runtime.CompilerServices;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>
/// Reads examples in the order of training, from a given position on. What comes before the position is not read, except for the rest of the group of
/// blocks that it lies in.
/// </summary>
/// <param name="options">The stage's options.</param>
/// <param name="folders">The full paths of the folders in <see cref="ReadShardsOptions.From"/>.</param>
/// <param name="seed">The seed of the order.</param>
/// <param name="resumeAt">The index, over all epochs, of the example to begin with.</param>
/// <param name="partition">Which part of the sink's output this graph computes; null for a whole flow.</param>
/// <param name="replaced">Names of fingerprint parts that a later stage replaces.</param>
/// <param name="expected">What the shards must be made from, as far as the definition decides it. It is called when the shards are opened.</param>
/// <param name="storage">Where the shards are.</param>
/// <param name="meter">Takes the progress.</param>
internal sealed class ReadShardsSource(
    ReadShardsOptions options,
    IReadOnlyList<string> folders,
    int seed,
    long resumeAt,
    Partition? partition,
    IReadOnlyList<string> replaced,
    Func<IReadOnlyDictionary<string, string>> expected,
    IStorage storage,
    IStageMeter meter) : ISource<OrderedExample>, IFingerprinted
{
    private ShardSet[]? _sets;

    /// <summary>
    /// The stage's row. What shards must be made from is passed in, because only code that knows teachers and tokenizers can tell; a file format
    /// cannot.
    /// </summary>
    /// <param name="expected">What the shards must be made from.</param>
    /// <param name="known">The part of it that is known before a run.</param>
    public static StageRegistration Registration(Func<StageContext, IReadOnlyDictionary<string, string>> expected, Func<StageContext, IReadOnlyDictionary<string, string>> known)
        => StageRegistration.Source<ReadShardsOptions, OrderedExample, ReadShardsSource>(
            "read-shards", "Reads examples from shards, in an order that depends only on seed, epoch and position.",
            (o, c) => new ReadShardsSource(
                o, [.. o.From.Select(from => ShardPath.Of(from, c))], c.Definition.Seed, c.Resume.Window, c.Partition, c.Facts.ReplacedParts, () => expected(c), c.Storage, c.Meter))
            .Telling<ReadShardsOptions>(static (o, facts) => facts with { ShardsRead = [.. facts.ShardsRead, .. o.From] })
            .Ruled<ReadShardsOptions>((o, c) => ReadShardsRules.Of(o, c, () => known(c)));

    public IReadOnlyDictionary<string, string> Fingerprint
    {
        get
        {
            var parts = new Dictionary<string, string>(StringComparer.Ordinal);
            bool realigned = replaced.Count > 0;
            foreach (IGrouping<string, string> part in Sets().SelectMany(s => s.Fingerprint.Parts).GroupBy(p => p.Key, p => p.Value))
            {
                if (part.Key != ShardFingerprint.FormatPart && !replaced.Contains(part.Key))
                    parts[part.Key] = string.Join('+', part.Distinct());
            }
            // A flow that realigns writes shards anew, each from its share of these in their own order. The result is as if the documents had come from
            // their files, so no order is recorded.
            if (realigned)
                return parts;
            parts[FingerprintPart.Order] = options.Shuffle ? $"seed {seed}, blocks {options.ShuffleBlocks}, epochs {options.Epochs}" : $"input, epochs {options.Epochs}";
            return parts;
        }
    }

    public async IAsyncEnumerable<OrderedExample> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        ShardSet[] sets = Sets();
        if (partition is { } part)
        {
            foreach (OrderedExample example in ReadPart(sets, part, cancellationToken))
                yield return example;
            yield break;
        }
        (ShardSet Set, int Block)[] blocks = [.. sets.SelectMany(set => Enumerable.Range(0, set.BlockCount).Select(block => (set, block)))];
        var order = new ExampleOrder(
            [.. blocks.Select(b => b.Set.RecordsIn(b.Block))], seed, options.Shuffle ? options.ShuffleBlocks : null);
        if (order.Records == 0)
            throw new InputException($"{string.Join(", ", options.From)}: the shards hold no examples; every document was rejected, or the input is empty");

        long index = resumeAt;
        if (index < 0)
            throw new InputException($"the checkpoint says to continue from example {index}, expected 0 or more; this program did not write it: delete the checkpoint");
        for (long epoch = index / order.Records; options.Epochs == 0 || epoch < options.Epochs; epoch++)
        {
            long skip = index - (epoch * order.Records);
            int groupIndex = -1;
            foreach (ArraySegment<int> group in order.Groups(epoch))
            {
                groupIndex++;
                int records = order.RecordsIn(group);
                if (skip >= records)
                {
                    skip -= records;
                    continue;
                }
                Example[] examples = [.. group.SelectMany(b => blocks[b].Set.ReadBlock(blocks[b].Block))];
                int[] within = order.Within(epoch, groupIndex, records);
                for (; skip < records; skip++, index++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    yield return new OrderedExample(index, examples[within[skip]]);
                }
                skip = 0;
                meter.Progress(index, options.Epochs * order.Records);
            }
        }
    }

    /// <summary>
    /// The examples that one part of a sink's output is made from. They are read once and in the order of the input, whatever the options say. If there
    /// are as many shards as parts, part k gets shard k; otherwise it gets a range of the records.
    /// </summary>
    private static IEnumerable<OrderedExample> ReadPart(ShardSet[] sets, Partition part, CancellationToken cancellationToken)
    {
        ShardReader[] shards = [.. sets.SelectMany(s => s.Shards)];
        long records = shards.Sum(s => s.Footer.Totals.Records);
        bool asWritten = shards.Length == part.Count;
        long from = asWritten ? shards.Take(part.Index).Sum(s => s.Footer.Totals.Records) : (long)((Int128)records * part.Index / part.Count);
        long to = asWritten ? from + shards[part.Index].Footer.Totals.Records : (long)((Int128)records * (part.Index + 1) / part.Count);
        long index = 0;
        foreach (ShardReader shard in shards)
        {
            for (int block = 0; block < shard.Footer.Blocks.Count; block++)
            {
                int count = shard.Footer.Blocks[block].Records;
                if (index < to && index + count > from)
                {
                    Example[] examples = shard.ReadBlock(block);
                    for (int i = (int)Math.Max(0, from - index); i < Math.Min(count, to - index); i++)
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                        yield return new OrderedExample(index + i, examples[i]);
                    }
                }
                index += count;
            }
        }
    }

    // The shards are opened when they are first needed, because an earlier flow of this run may have to write them first.
    private ShardSet[] Sets() => _sets ??= [.. folders.Select(Open)];

    private ShardSet Open(string folder)
    {
        var set = ShardSet.Open(storage, folder, expected());
        // Of several parts, the first one warns for all.
        if (partition is not { Index: > 0 } && set.Fingerprint.Parts.TryGetValue(FingerprintPart.Limits, out string? limits) && EndsEveryPart(limits))
        {
            meter.Say(
                $"warning: {set.Folder} was tokenized by an earlier version, which put eos after every part of a document that was split or cut. It is read as it is. "
                + "Students learn to stop where documents were split: score again, or train without \"sft\"");
        }
        return set;
    }

    /// <summary>
    /// Whether shards with these limits in their fingerprint come from the first versions, which put eos after every part of a document that was split
    /// or cut. The words must match those in existing shards, whatever the present version writes.
    /// </summary>
    private static bool EndsEveryPart(string limits)
        => limits.Contains(", eos True,", StringComparison.Ordinal) && !limits.Contains(", long Reject,", StringComparison.Ordinal);
}
