using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Graph;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs;

/// <summary>
/// Runs a graph to its end, or until a stop ends it. After a stop was asked for, a sink that can resume ends by itself at a safe point. Any other graph
/// may go on for the grace period, in which a part that is nearly done can still be committed.
/// </summary>
internal sealed class GraphRunner(RunSettings settings, StopSignals signals, FailedRecords failures, TimeProvider time)
{
    public FailedRecords Failures => failures;

    /// <summary>Cancelled when the user asks for a stop at the next safe point.</summary>
    public CancellationToken StopRequested => signals.StopRequested;

    /// <summary>Runs a graph.</summary>
    /// <returns>The counts of every stage, in order.</returns>
    /// <exception cref="InterruptedException">A stop was asked for, and the graph has not finished.</exception>
    public async Task<IReadOnlyList<StageCounts>> RunAsync(FlowDefinition flow, FlowGraph graph, FlowMeter meter)
    {
        ThrowIfStopped();
        using var hard = CancellationTokenSource.CreateLinkedTokenSource(signals.Cancelled);
        await using var grace = new GraceTimer(graph.Sink is IResumable ? Timeout.InfiniteTimeSpan : settings.Grace, hard, time, signals.StopRequested);
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
            throw new InterruptedException($"flow '{flow.Name}' was stopped before its current work was done; what is committed is kept", e);
        }
    }

    /// <exception cref="InterruptedException">A stop was asked for.</exception>
    public void ThrowIfStopped()
    {
        if (signals.StopRequested.IsCancellationRequested)
            throw new InterruptedException("stopped at a safe point");
    }

    /// <summary>The error of a flow that was cancelled: an <see cref="InterruptedException"/> if the user has sent a second signal.</summary>
    public Exception Ended(FlowDefinition flow, OperationCanceledException cancelled)
        => signals.Cancelled.IsCancellationRequested
            ? new InterruptedException($"flow '{flow.Name}' was stopped; what is committed is kept", cancelled)
            : cancelled;

    /// <summary>Cancels the current work if it is not done within the grace period after a stop was asked for.</summary>
    private sealed class GraceTimer : IAsyncDisposable
    {
        private readonly ITimer _timer;
        private readonly CancellationTokenRegistration _registration;

        public GraceTimer(TimeSpan grace, CancellationTokenSource hard, TimeProvider time, CancellationToken stopRequested)
        {
            _timer = time.CreateTimer(_ => hard.Cancel(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _registration = stopRequested.Register(() => _timer.Change(grace, Timeout.InfiniteTimeSpan));
        }

        // Waits for a callback in progress, which would otherwise cancel a source that the caller has disposed of.
        public async ValueTask DisposeAsync()
        {
            await _registration.DisposeAsync();
            await _timer.DisposeAsync();
        }
    }
}
