using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Runs;

/// <summary>How many parts a sink commits.</summary>
internal static class CommittedParts
{
    /// <summary>1 for a sink whose output is one piece.</summary>
    public static int Of(ICommitted sink) => sink is IPartitioned parts ? parts.PartitionCount : 1;
}
