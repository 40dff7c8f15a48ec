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

/// <summary>Runs one flow: as one graph, or as one graph for every part that its sink has not committed.</summary>
internal sealed class FlowRunner(
    StageSurroundings surroundings, GraphRunner graphs, IRanks ranks, RejectFile rejects, IProgressDisplay display, ILogger log)
{
    /// <summary>Whether a flow that was done is still: nobody deleted a part of its output.</summary>
    public async Task<bool> IsPresentAsync(FlowDefinition flow)
    {
        if (!surroundings.Catalog[flow.Stages[^1].Kind.Value].IsCommitted)
            return true;
        await using FlowGraph graph = FlowGraph.CreateSink(surroundings, flow);
        return graph.Sink is not ICommitted sink || Enumerable.Range(0, CommittedParts.Of(sink)).All(sink.IsPresent);
    }

    /// <param name="flow">The flow.</param>
    /// <param name="hash">Of everything that decides its results.</param>
    /// <param name="progress">What earlier runs did of it, and where what this one does is kept.</param>
    /// <exception cref="InterruptedException">A stop was asked for, and the state is safe.</exception>
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

    // What other processes rejected goes where people look for it.
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
