using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>The stages of this folder, for the table.</summary>
public static class ShardStages
{
    public static StageRegistration Write { get; } = StageRegistration.Sink<WriteShardsOptions, Example>(
        "write-shards", "Writes scored examples to a fixed number of checksummed shards, each computed once.",
        static (o, c) => new WriteShardsStage(o, RunPaths.Output(c.RunFolder, o.To), c.Partition, c.Fingerprint, c.Storage, c.Meter, c.Rejects))
        .Telling<WriteShardsOptions>(static (o, facts) => facts with { ShardFolders = [.. facts.ShardFolders, o.To] })
        .Writing<WriteShardsOptions>(static o => [new StageOutput("to", o.To, OutputKind.Shards)]) with
    { IsPartitioned = true };

    /// <summary>What shards must be made from is known to who knows teachers and tokenizers, which a file format does not.</summary>
    public static StageRegistration Read(Func<StageContext, IReadOnlyDictionary<string, string>> expected)
        => StageRegistration.Source<ReadShardsOptions, OrderedExample>(
            "read-shards", "Reads examples from shards in an order that is a function of seed, epoch and position.",
            (o, c) => new ReadShardsStage(
                o, [.. o.From.Select(from => FolderOf(from, c))], c.Definition.Seed, c.Resume.Window, c.Partition, c.Facts.ReplacedParts, () => expected(c), c.Storage, c.Meter));

    /// <summary>Full path of a folder of shards as a definition names it.</summary>
    internal static string FolderOf(string from, StageContext context)
        => context.Facts.ShardFolders.Contains(from) ? RunPaths.Output(context.RunFolder, from) : RunPaths.Input(context.RunFolder, from);
}
