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

namespace Pipeline.Host.Runs;

/// <summary>
/// Does a share of a flow's parts (<c>alm work</c>), in a run folder where other processes may work at the same time. It does not hold the folder's lock
/// and writes only parts, unless it has to begin the folder or brings a corrected definition (<see cref="RunFolder.Join"/>). It cleans up only after
/// dead processes of this machine that worked on parts of the same share.
/// </summary>
internal sealed class PartWorker(
    LoadedDefinition definition,
    DefinitionLoader loader,
    StageCatalog catalog,
    RunSettings settings,
    WorkShare share,
    StopSignals signals,
    IStorage storage,
    TimeProvider time,
    IServiceProvider services,
    IProgressDisplay display,
    ILogger<PartWorker> log) : IJob
{
    public async Task RunAsync()
    {
        RunDefinition run = definition.Definition;
        FlowDefinition flow = Flow(run);
        string hash = new CanonicalDefinition(new OptionTypes()).FlowHash(run, run.Flows.ToList().IndexOf(flow));
        string folder = Path.GetFullPath(RunExecutor.FolderOf(run, settings));
        var surroundings = new StageSurroundings(
            run, folder, storage, services, time, catalog, NoScalars.Instance, NoRejects.Instance, (name, stage, message) => log.StageSays(name, stage, message));
        foreach (string warning in new RunRules(definition, surroundings).Require(i => run.Flows[i] == flow))
            log.DefinitionWarns(warning);
        RunFolder.Join(storage, folder, definition, loader, time);
        RunProgress progress = RunProgress.Read(storage, folder);
        Clean(folder, progress.Parts.FolderOf(flow.Name));
        var failures = new FailedRecords(run.MaxFailedRecords, RunExecutor.AlreadyFailed(progress, run));
        var graphs = new GraphRunner(settings, signals, failures, time);
        var meter = new FlowMeter(
            flow.Name, flow.Stages.Select(s => s.Name).ToList(), flow.Stages.Select(s => catalog[s.Kind.Value].Role).ToList(), time.GetTimestamp());
        display.Begin(meter);
        try
        {
            await using FlowGraph whole = await FlowGraph.CreateAsync(surroundings, flow, null, signals.StopRequested);
            var sink = (ICommitted)whole.Sink;
            int[] mine = [.. share.Of(CommittedParts.Of(sink))];
            meter.PartitionCount = mine.Length;
            log.WorkBegins(flow.Name, folder, mine.Length, CommittedParts.Of(sink));
            int before = mine.Count(sink.IsPresent);
            await new PartWork(surroundings, graphs, progress.Parts, log)
                .RunAsync(flow, hash, sink, mine, progress.Of(flow.Name, hash).Partitions, meter);
            log.WorkDone(flow.Name, mine.Length - before, before);
        }
        catch (OperationCanceledException e)
        {
            throw graphs.Ended(flow, e);
        }
        catch (DefinitionException e)
        {
            throw LateDefinitionError.Of(flow, e);
        }
        finally
        {
            display.End(meter);
        }
    }

    /// <exception cref="DefinitionException">There is no such flow, or it has no parts.</exception>
    private FlowDefinition Flow(RunDefinition run)
    {
        string InParts() => string.Join(", ", run.Flows.Where(f => catalog[f.Stages[^1].Kind.Value].IsCommitted).Select(f => f.Name)) is { Length: > 0 } names
            ? $"; flows in parts: {names}"
            : "; this definition has no flow in parts";
        FlowDefinition flow = run.Flows.FirstOrDefault(f => f.Name == share.Flow)
            ?? throw new DefinitionException($"--flow: there is no flow '{share.Flow}'{InParts()}");
        return catalog[flow.Stages[^1].Kind.Value].IsCommitted
            ? flow
            : throw new DefinitionException($"--flow: '{share.Flow}' cannot be shared: its sink '{flow.Stages[^1].Name}' does not write parts{InParts()}");
    }

    private void Clean(string folder, string parts)
    {
        HashSet<ProcessIdentity> dead = [.. WorkMark.OfParts(storage, parts)
            .Where(m => share.Holds(m.Part) && m.Owner.Machine == storage.Process.Machine && !Staging.IsAtWork(storage, m.Path))
            .Select(m => m.Owner)];
        if (dead.Count > 0)
            Staging.CleanOf(storage, folder, dead);
    }
}
