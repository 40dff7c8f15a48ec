using System.Collections.ObjectModel;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests;

namespace Pipeline.Benchmarks;

/// <summary>Reads the batches of a flow that trains on shards, in the order in which a run would get them.</summary>
internal static class FlowBatches
{
    /// <summary>The batches of a flow.</summary>
    /// <param name="definition">The definition that has the flow.</param>
    /// <param name="flow">The flow: read-shards, batch, and a stage that trains.</param>
    /// <param name="environment">Knows the stages.</param>
    /// <param name="run">The run folder that has the shards.</param>
    public static IAsyncEnumerable<StudentBatch> Of(RunDefinition definition, FlowDefinition flow, CommandEnvironment environment, string run)
    {
        var quiet = new QuietStage();
        var context = new StageContext(definition, environment.Catalog().FactsOf(flow, definition), "benchmark", run, new DiskStorage(), quiet, quiet, quiet, null);
        var source = Made.ReadShards((ReadShardsOptions)flow.Stages[0].Options, context, ReadOnlyDictionary<string, string>.Empty);
        return Made.Batch((BatchOptions)flow.Stages[1].Options, context).RunAsync(source.ReadAsync(default), default);
    }
}
