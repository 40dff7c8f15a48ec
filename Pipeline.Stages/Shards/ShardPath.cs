using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>Where the shards are that a definition names.</summary>
internal static class ShardPath
{
    /// <summary>
    /// The full path of a folder of shards. It is below the run folder if a flow of this run writes there; otherwise it is found like any other input.
    /// </summary>
    public static string Of(string from, StageContext context)
        => RunPaths.Input(context.RunFolder, RunNames.OfShards(from, context));
}
