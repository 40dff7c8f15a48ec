using Microsoft.Extensions.Logging;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Runs;

/// <summary>
/// Does parts of a flow. A part is a unit of work for which a process needs only the definition and the number of the part. What it writes depends on
/// nothing else and appears in one step, so that two processes which do the same part at once leave the same bytes.
/// </summary>
internal sealed class PartWork(StageSurroundings surroundings, GraphRunner graphs, PartFiles files, ILogger log)
{
    /// <summary>Does those of some parts that are not committed, one after another.</summary>
    /// <param name="flow">A flow whose sink commits.</param>
    /// <param name="hash">The hash of everything that decides the flow's results.</param>
    /// <param name="sink">Says which parts are committed.</param>
    /// <param name="parts">The numbers of the parts.</param>
    /// <param name="known">The counts of parts that were done before. If such a part is computed again, its failed records are taken back.</param>
    /// <param name="meter">Shows how far the flow is.</param>
    /// <exception cref="InterruptedException">A stop was asked for. What is committed is kept.</exception>
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

    // Parts that other processes are working on come last. By then they may be committed.
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
            // The counts are committed before the output, so that an output which exists has its counts. Counts without an output are written again with it.
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
