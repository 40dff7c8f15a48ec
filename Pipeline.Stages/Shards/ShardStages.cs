using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Teacher;

namespace Pipeline.Stages.Shards;

/// <summary>The stages of this folder, for the table.</summary>
public static class ShardStages
{
    public static StageRegistration Write { get; } = StageRegistration.Sink<WriteShardsOptions, Example>(
        "write-shards", "Writes scored examples to a fixed number of checksummed shards, each computed once.",
        static (options, context) => new WriteShardsStage(options, context)) with { IsPartitioned = true };

    public static StageRegistration Read { get; } = StageRegistration.Source<ReadShardsOptions, OrderedExample>(
        "read-shards", "Reads examples from shards in an order that is a function of seed, epoch and position.",
        static (options, context) => new ReadShardsStage(options, context with { Expected = () => ShardExpectation.Of(context) }));
}
