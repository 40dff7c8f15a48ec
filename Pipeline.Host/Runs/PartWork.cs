using Microsoft.Extensions.Logging;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Runs;

/// <summary>
/// Does parts of a flow. A part is a unit of work that any process can do with the definition and the part's number: what it writes
/// depends on nothing else, and it appears in one step, so that two that do the same part at once leave the same bytes.
/// </summary>
internal sealed class PartWork(StageSurroundings surroundings, GraphRunner graphs, PartFiles files, ILogger log)
{
    /// <summary>Does what is not committed of some parts.</summary>
    /// <param name="flow">A flow whose sink commits.</param>
    /// <param name="hash">Of the flow.</param>
    /// <param name="sink">Says what is committed.</param>
    /// <param name="parts">Which.</param>
    /// <param name="known">Counts of parts that were done before, which no longer count when the part is computed again.</param>
    /// <param name="meter">Shows how far it is.</param>
    /// <exception cref="InterruptedException">A stop was asked for; what is committed is kept.</exception>
    public async Task RunAsync(
        FlowDefinition flow, string hash, ICommitted sink, IEnumerable<int> parts, IReadOnlyDictionary<int, IReadOnlyList<StageCounts>> known, FlowMeter meter)
    {
        List<int> left = [.. parts];
        while (left.Count > 0)
        {
            int part = Next(flow, left);
            left.Remove(part);
            if (!sink.IsCommitted(part))
            {
                graphs.ThrowIfStopped();
                if (known.TryGetValue(part, out IReadOnlyList<StageCounts>? gone))
                    graphs.Failures.Forget(gone.Sum(c => c.Failed));
                await RunAsync(flow, hash, new Partition(part, CommittedParts.Of(sink)), meter);
                log.PartitionDone(flow.Name, part + 1, CommittedParts.Of(sink));
            }
            meter.PartitionsDone++;
        }
    }

    // Those that somebody else is at come last: by then they may be committed.
    private int Next(FlowDefinition flow, List<int> left)
    {
        HashSet<int> taken = WorkMark.OfOthers(surroundings.Storage, files.FolderOf(flow.Name));
        return left[Math.Max(0, left.FindIndex(p => !taken.Contains(p)))];
    }

    private async Task RunAsync(FlowDefinition flow, string hash, Partition part, FlowMeter meter)
    {
        long start = surroundings.Time.GetTimestamp();
        double Seconds() => surroundings.Time.GetElapsedTime(start).TotalSeconds;
        using var mark = WorkMark.OfPart(surroundings.Storage, files.FolderOf(flow.Name), part.Index, meter, surroundings.Time);
        var begun = new PartRecord { Flow = flow.Name, Part = part.Index, Of = part.Count, Hash = hash, Seconds = 0, Rejects = 0, RejectsHash = "" };
        using var file = new PartLog(files, begun, surroundings.Rejects);
        try
        {
            await using FlowGraph graph = await FlowGraph.CreateAsync(surroundings with { Rejects = file }, flow, part, graphs.StopRequested);
            IReadOnlyList<StageCounts> counts = await graphs.RunAsync(flow, graph, meter);
            // The counts first: an output that exists has its counts, and counts without an output are written again with it.
            file.Commit(counts, Seconds());
            ((ICommitted)graph.Sink).Commit();
        }
        catch (Exception e) when (e is not (InterruptedException or OperationCanceledException))
        {
            file.Fail(e, Seconds());
            throw;
        }
        files.DeleteFailure(flow.Name, part.Index);
    }
}
