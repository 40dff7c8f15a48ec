using Microsoft.Extensions.Logging;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Graph;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs;

/// <summary>Runs one flow: as one graph, or as one graph for every part that its sink has not committed.</summary>
internal sealed class FlowRunner(
    StageSurroundings surroundings, RunSettings settings, StopSignals signals, FailedRecords failures, IProgressDisplay display, ILogger log)
{
    /// <summary>Whether a flow that was done is still: nobody deleted a part of its output.</summary>
    public async Task<bool> IsPresentAsync(FlowDefinition flow)
    {
        if (!surroundings.Catalog[flow.Stages[^1].Kind.Value].IsPartitioned)
            return true;
        await using FlowGraph graph = FlowGraph.CreateSink(surroundings, flow);
        return graph.Sink is not IPartitioned parts || Enumerable.Range(0, parts.PartitionCount).All(parts.IsPresent);
    }

    /// <param name="flow">The flow.</param>
    /// <param name="state">What earlier runs did of it.</param>
    /// <param name="save">Keeps the state when a part is done.</param>
    /// <exception cref="InterruptedException">A stop was asked for, and the state is safe.</exception>
    public async Task<FlowState> RunAsync(FlowDefinition flow, FlowState state, Action<FlowState> save)
    {
        long start = surroundings.Time.GetTimestamp();
        double before = state.Seconds;
        double Seconds() => before + surroundings.Time.GetElapsedTime(start).TotalSeconds;
        var meter = new FlowMeter(flow.Name, flow.Stages.Select(s => s.Name).ToList(), Roles(flow), start);
        display.Begin(meter);
        try
        {
            FlowGraph whole = await FlowGraph.CreateAsync(surroundings, flow, null, signals.StopRequested);
            await using (whole)
            {
                if (whole.Sink is not IPartitioned parts)
                {
                    IReadOnlyList<StageCounts> counts = await RunGraphAsync(flow, whole, meter);
                    return state with { Done = true, Seconds = Seconds(), Stages = counts };
                }
                meter.PartitionCount = parts.PartitionCount;
                for (int i = 0; i < parts.PartitionCount; i++)
                {
                    if (!parts.IsCommitted(i))
                    {
                        ThrowIfStopped();
                        if (state.Partitions.Remove(i, out IReadOnlyList<StageCounts>? gone))
                            failures.Forget(gone.Sum(c => c.Failed));
                        await using FlowGraph part = await FlowGraph.CreateAsync(
                            surroundings, flow, new Partition(i, parts.PartitionCount), signals.StopRequested);
                        state.Partitions[i] = await RunGraphAsync(flow, part, meter);
                        save(state with { Done = false, Seconds = Seconds() });
                        log.PartitionDone(flow.Name, i + 1, parts.PartitionCount);
                    }
                    meter.PartitionsDone = i + 1;
                }
                return state with { Done = true, Seconds = Seconds() };
            }
        }
        catch (OperationCanceledException e) when (signals.Cancelled.IsCancellationRequested)
        {
            throw new InterruptedException($"flow '{flow.Name}' was ended; what is committed is kept", e);
        }
        finally
        {
            display.End(meter);
        }
    }

    private async Task<IReadOnlyList<StageCounts>> RunGraphAsync(FlowDefinition flow, FlowGraph graph, FlowMeter meter)
    {
        ThrowIfStopped();
        using var hard = CancellationTokenSource.CreateLinkedTokenSource(signals.Cancelled);
        await using var grace = new GraceTimer(graph.Sink is IResumable ? Timeout.InfiniteTimeSpan : settings.Grace, hard, surroundings.Time, signals.StopRequested);
        using var builder = new GraphBuilder(new GraphSettings(settings.Parallelism), failures, hard.Token);
        graph.AddTo(builder);
        meter.Begin(graph.Meters);
        try
        {
            IReadOnlyList<StageCounts> counts = await builder.RunAsync();
            meter.End(counts);
            return counts;
        }
        catch (OperationCanceledException e) when (hard.IsCancellationRequested)
        {
            throw new InterruptedException($"flow '{flow.Name}' was stopped before its work in hand was done; what is committed is kept", e);
        }
    }

    private void ThrowIfStopped()
    {
        if (signals.StopRequested.IsCancellationRequested)
            throw new InterruptedException("stopped at a safe point");
    }

    private List<StageRole> Roles(FlowDefinition flow) => flow.Stages.Select(s => surroundings.Catalog[s.Kind.Value].Role).ToList();

    /// <summary>Ends the work in hand when it takes longer than the grace after a stop was asked for.</summary>
    private sealed class GraceTimer : IAsyncDisposable
    {
        private readonly ITimer _timer;
        private readonly CancellationTokenRegistration _registration;

        public GraceTimer(TimeSpan grace, CancellationTokenSource hard, TimeProvider time, CancellationToken stopRequested)
        {
            _timer = time.CreateTimer(_ => hard.Cancel(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _registration = stopRequested.Register(() => _timer.Change(grace, Timeout.InfiniteTimeSpan));
        }

        // Waits for a callback under way: it would cancel a source that is disposed next.
        public async ValueTask DisposeAsync()
        {
            await _registration.DisposeAsync();
            await _timer.DisposeAsync();
        }
    }
}
