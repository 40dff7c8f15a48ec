using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>Where the shards lie that a definition names.</summary>
internal static class ShardPath
{
    /// <summary>The full path: below the run folder for shards that an earlier flow writes, else as for any input.</summary>
    public static string Of(string from, StageContext context)
        => RunPaths.Input(context.RunFolder, RunNames.OfShards(from, context));
}
