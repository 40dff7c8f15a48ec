using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Runs;

/// <summary>How many parts a sink commits.</summary>
internal static class CommittedParts
{
    /// <summary>1 for a sink whose output is one piece.</summary>
    public static int Of(ICommitted sink) => sink is IPartitioned parts ? parts.PartitionCount : 1;

    /// <summary>How many parts a flow has; 1 where it is one piece.</summary>
    public static int Of(FlowDefinition flow, StageSurroundings surroundings)
    {
        if (!surroundings.Catalog[flow.Stages[^1].Kind.Value].IsCommitted)
            return 1;
        try
        {
            return Of((ICommitted)FlowGraph.CreateSink(surroundings, flow).Sink);
        }
        catch (InputException)
        {
            // What an earlier flow has yet to make cannot be looked at; the run's own job does such a flow.
            return 1;
        }
    }
}
