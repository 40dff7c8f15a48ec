using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Runs;

/// <summary>Says how many parts a sink commits.</summary>
internal static class CommittedParts
{
    /// <summary>The number of parts of a sink. It is 1 for a sink whose output is one piece.</summary>
    public static int Of(ICommitted sink) => sink is IPartitioned parts ? parts.PartitionCount : 1;

    /// <summary>The number of parts of a flow. It is 1 for a flow that is one piece, and while the flow's input does not exist yet.</summary>
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
            // The sink reads something that an earlier flow has yet to make. Jobs that share parts leave such a flow to the job of the run itself.
            return 1;
        }
    }
}
