using Microsoft.Extensions.Logging;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Graph;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs.Parts;
using Pipeline.Stages.Ranks;

namespace Pipeline.Host.Runs;

/// <summary>Runs a flow: as a single graph, or as a graph for each part that its sink has not committed yet.</summary>
internal sealed class FlowRunner(
    StageSurroundings surroundings, GraphRunner graphs, IRanks ranks, RejectFile rejects, IProgressDisplay display, ILogger log)
{
    /// <summary>Whether the output of a flow that is done still exists. Somebody may have deleted a part of it.</summary>
    public async Task<bool> IsPresentAsync(FlowDefinition flow)
    {
        if (!surroundings.Catalog[flow.Stages[^1].Kind.Value].IsCommitted)
            return true;
        await using FlowGraph graph = FlowGraph.CreateSink(surroundings, flow);
        return graph.Sink is not ICommitted sink || Enumerable.Range(0, CommittedParts.Of(sink)).All(sink.IsPresent);
    }

    /// <summary>Does what is left of a flow, and marks it as done.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="hash">The hash of everything that decides its results.</param>
    /// <param name="progress">Says what earlier runs have done of it, and records what this run does.</param>
    /// <exception cref="InterruptedException">A stop was asked for. What is committed is kept.</exception>
    public async Task RunAsync(FlowDefinition flow, string hash, RunProgress progress)
    {
        long start = surroundings.Time.GetTimestamp();
        FlowState state = progress.Of(flow.Name, hash);
        var meter = new FlowMeter(flow.Name, flow.Stages.Select(s => s.Name).ToList(), Roles(flow), start);
        display.Begin(meter);
        StageRegistration last = surroundings.Catalog[flow.Stages[^1].Kind.Value];
        if (last.IsCommitted || last.IsRanked)
            ranks.FromFirst(surroundings.Definition.Flows.ToList().IndexOf(flow));
        try
        {
            FlowGraph whole = await FlowGraph.CreateAsync(surroundings, flow, null, graphs.StopRequested);
            await using (whole)
            {
                if (whole.Sink is ICommitted sink)
                {
                    int parts = CommittedParts.Of(sink);
                    meter.PartitionCount = parts;
                    var work = new PartWork(surroundings, graphs, progress.Parts, log);
                    if (ranks.Count > 1)
                    {
                        int[] mine = [.. new WorkShare(flow.Name, ranks.Rank, ranks.Count).Of(parts)];
                        await work.RunAsync(flow, hash, sink, mine, state.Partitions, meter);
                        ranks.Wait();
                        meter.PartitionsDone = 0;
                    }
                    await work.RunAsync(flow, hash, sink, Enumerable.Range(0, parts), state.Partitions, meter);
                    TakeIn(flow, hash, parts, progress);
                    progress.SetDone(flow.Name, hash);
                    return;
                }
                using WorkMark mark = WorkMark.OfFlow(surroundings.Storage, surroundings.RunFolder, meter, surroundings.Time);
                IReadOnlyList<StageCounts> counts = await graphs.RunAsync(flow, whole, meter);
                double seconds = state.Seconds + surroundings.Time.GetElapsedTime(start).TotalSeconds;
                progress.Set(flow.Name, state with { Done = true, Seconds = seconds, Stages = counts });
            }
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

    // Other processes write their rejects only to the files of parts. People look for them in the reject file of the run, so they are copied there.
    private void TakeIn(FlowDefinition flow, string hash, int parts, RunProgress progress)
    {
        Dictionary<int, long> known = rejects.LinesOf(flow.Name);
        foreach (PartRecord record in progress.Parts.Done(flow.Name, hash).Where(r => r.Rejects > known.GetValueOrDefault(r.Part)))
        {
            foreach (byte[] line in progress.Parts.Rejects(record))
                rejects.Append(line);
        }
        int without = parts - Enumerable.Range(0, parts).Count(progress.Of(flow.Name, hash).Partitions.ContainsKey);
        if (without > 0)
            log.PartsWithoutCounts(flow.Name, without);
    }

    private List<StageRole> Roles(FlowDefinition flow) => flow.Stages.Select(s => surroundings.Catalog[s.Kind.Value].Role).ToList();
}
