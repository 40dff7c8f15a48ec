using System.Runtime.CompilerServices;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>
/// Examples in the order of training, starting at a position. What is skipped is not read, except the rest of the
/// group that the position lies in.
/// </summary>
/// <param name="options">What the definition says.</param>
/// <param name="folders">Full paths of <see cref="ReadShardsOptions.From"/>.</param>
/// <param name="seed">Seed of the order.</param>
/// <param name="resumeAt">The example to begin with.</param>
/// <param name="partition">Which part of the sink's output is computed.</param>
/// <param name="replaced">Parts of the fingerprint that a later stage replaces.</param>
/// <param name="expected">What the shards must be made from, as far as the definition says.</param>
/// <param name="storage">Files.</param>
/// <param name="meter">Progress.</param>
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

    /// <summary>What shards must be made from. Only code that knows teachers and tokenizers can tell; a file format cannot.</summary>
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
            // A part of the output holds a part of these shards in their own order: as if the documents had come from their files.
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
    /// What one part of a sink's output is made of, once and in the order of the input, whatever the options say: shard k if there are as many shards as parts, else
    /// a range of records.
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

    // Opened when first needed: the flow that writes them may be an earlier one of this run.
    private ShardSet[] Sets() => _sets ??= [.. folders.Select(Open)];

    private ShardSet Open(string folder)
    {
        var set = ShardSet.Open(storage, folder, expected());
        // One part reports it for all.
        if (partition is not { Index: > 0 } && set.Fingerprint.Parts.TryGetValue(FingerprintPart.Limits, out string? limits) && EndsEveryPart(limits))
        {
            meter.Say(
                $"warning: {set.Folder} was tokenized by an earlier version, which put eos after every part of a document that was split or cut. It is read as it is. "
                + "Students learn to stop where documents were split: score again, or train without \"sft\"");
        }
        return set;
    }

    /// <summary>
    /// Whether limits, as recorded in shards, are from the first versions, which put eos after every part of a split or cut document. The words
    /// are those of shards that exist; what writes them now may change its own.
    /// </summary>
    private static bool EndsEveryPart(string limits)
        => limits.Contains(", eos True,", StringComparison.Ordinal) && !limits.Contains(", long Reject,", StringComparison.Ordinal);
}
