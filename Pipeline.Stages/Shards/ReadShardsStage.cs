using System.Runtime.CompilerServices;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>
/// Examples in the order of training, from <see cref="StageContext.Resume"/> on. What is skipped is not read, but for the rest of the
/// group that the position lies in.
/// </summary>
internal sealed class ReadShardsStage(ReadShardsOptions options, StageContext context) : ISource<OrderedExample>, IFingerprinted
{
    private ShardSet[]? _sets;

    public IReadOnlyDictionary<string, string> Fingerprint
    {
        get
        {
            var parts = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (IGrouping<string, string> part in Sets().SelectMany(s => s.Fingerprint.Parts).GroupBy(p => p.Key, p => p.Value))
            {
                if (part.Key != ShardFingerprint.FormatPart)
                    parts[part.Key] = string.Join('+', part.Distinct());
            }
            parts["order"] = options.Shuffle ? $"seed {context.Definition.Seed}, blocks {options.ShuffleBlocks}, epochs {options.Epochs}" : $"input, epochs {options.Epochs}";
            return parts;
        }
    }

    public async IAsyncEnumerable<OrderedExample> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        ShardSet[] sets = Sets();
        (ShardSet Set, int Block)[] blocks = [.. sets.SelectMany(set => Enumerable.Range(0, set.BlockCount).Select(block => (set, block)))];
        var order = new ExampleOrder(
            [.. blocks.Select(b => b.Set.RecordsIn(b.Block))], context.Definition.Seed, options.Shuffle ? options.ShuffleBlocks : null);
        if (order.Records == 0)
            throw new InputException($"{string.Join(", ", options.From)}: the shards hold no example; every document was rejected, or the input is empty");

        long index = context.Resume.Window;
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
                context.Meter.Progress(index, options.Epochs * order.Records);
            }
        }
    }

    // Opened when first needed: the flow that writes them may be an earlier one of this run.
    private ShardSet[] Sets() => _sets ??= [.. options.From.Select(from => ShardSet.Open(context.Storage, FolderOf(from), context.Expected()))];

    private string FolderOf(string from)
    {
        bool isOfThisRun = context.Definition.Flows.SelectMany(f => f.Stages).Any((StageDefinition s) => s.Options is WriteShardsOptions o && o.To == from);
        return isOfThisRun ? RunPaths.Output(context.RunFolder, from) : RunPaths.Input(context.RunFolder, from);
    }
}
