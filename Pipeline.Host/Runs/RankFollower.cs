using Microsoft.Extensions.Logging;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Graph;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs.Parts;
using Pipeline.Stages.Ranks;

namespace Pipeline.Host.Runs;

/// <summary>
/// The work of a rank other than the first. Rank 0 says which flow is next that all ranks do together: a training flow, or a flow in parts, of which each
/// rank does its share. This rank does not hold the folder's lock, and writes only parts.
/// </summary>
internal sealed class RankFollower(
    LoadedDefinition definition,
    DefinitionLoader loader,
    StageCatalog catalog,
    RunSettings settings,
    StopSignals signals,
    IStorage storage,
    TimeProvider time,
    IServiceProvider services,
    ILogger<RankFollower> log) : IJob
{
    /// <summary>What rank 0 sends instead of the index of a flow when no more flows follow.</summary>
    public const int End = -1;

    /// <summary>Checks that all ranks run the same program with the same definition. Every rank must call it.</summary>
    public static void Agree(IRanks ranks, LoadedDefinition definition)
    {
        ranks.Agree("the program", typeof(RankFollower).Module.ModuleVersionId.ToString() + typeof(IRanks).Module.ModuleVersionId);
        ranks.Agree("the definition", definition.Hash);
    }

    public async Task RunAsync()
    {
        RunDefinition run = definition.Definition;
        IRanks ranks = settings.Ranks;
        Agree(ranks, definition);
        for (int next = ranks.FromFirst(0); next != End; next = ranks.FromFirst(0))
            await RunFlowAsync(run, next, ranks);
    }

    private async Task RunFlowAsync(RunDefinition run, int index, IRanks ranks)
    {
        // Rank 0 has opened the folder before it named a flow, so it holds the same definition.
        string folder = RunFolder.Join(storage, RunExecutor.FolderOf(run, settings), definition, loader, time);
        FlowDefinition flow = run.Flows[index];
        string hash = new CanonicalDefinition(new OptionTypes()).FlowHash(run, index);
        RunProgress progress = RunProgress.Read(storage, folder);
        var surroundings = new StageSurroundings(
            run, folder, storage, services, time, catalog, NoScalars.Instance, NoRejects.Instance, (name, stage, message) => log.StageSays(name, stage, message));
        var graphs = new GraphRunner(settings, signals, new FailedRecords(run.MaxFailedRecords, RunExecutor.AlreadyFailed(progress, run)), time);
        var meter = new FlowMeter(
            flow.Name, flow.Stages.Select(s => s.Name).ToList(), flow.Stages.Select(s => catalog[s.Kind.Value].Role).ToList(), time.GetTimestamp());
        try
        {
            await using FlowGraph graph = await FlowGraph.CreateAsync(surroundings, flow, null, signals.StopRequested);
            if (graph.Sink is ICommitted sink)
            {
                IEnumerable<int> mine = new WorkShare(flow.Name, ranks.Rank, ranks.Count).Of(CommittedParts.Of(sink));
                await new PartWork(surroundings, graphs, progress.Parts, log).RunAsync(flow, hash, sink, mine, progress.Of(flow.Name, hash).Partitions, meter);
                ranks.Wait();
                return;
            }
            await graphs.RunAsync(flow, graph, meter);
        }
        catch (OperationCanceledException e)
        {
            throw graphs.Ended(flow, e);
        }
        catch (DefinitionException e)
        {
            throw LateDefinitionError.Of(flow, e);
        }
    }
}
