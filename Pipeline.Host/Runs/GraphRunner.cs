using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Graph;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs;

/// <summary>Runs one graph to its end, or to where a stop lets it.</summary>
internal sealed class GraphRunner(RunSettings settings, StopSignals signals, FailedRecords failures, TimeProvider time)
{
    public FailedRecords Failures => failures;

    /// <summary>Cancelled when the user asks for a stop at the next safe point.</summary>
    public CancellationToken StopRequested => signals.StopRequested;

    /// <exception cref="InterruptedException">A stop was asked for.</exception>
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

    /// <summary>The user's second signal, as the error of a flow.</summary>
    public Exception Ended(FlowDefinition flow, OperationCanceledException cancelled)
        => signals.Cancelled.IsCancellationRequested
            ? new InterruptedException($"flow '{flow.Name}' was stopped; what is committed is kept", cancelled)
            : cancelled;

    /// <summary>Ends the current work when it takes longer than the grace period after a stop was asked for.</summary>
    private sealed class GraceTimer : IAsyncDisposable
    {
        private readonly ITimer _timer;
        private readonly CancellationTokenRegistration _registration;

        public GraceTimer(TimeSpan grace, CancellationTokenSource hard, TimeProvider time, CancellationToken stopRequested)
        {
            _timer = time.CreateTimer(_ => hard.Cancel(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _registration = stopRequested.Register(() => _timer.Change(grace, Timeout.InfiniteTimeSpan));
        }

        // Waits for a callback in progress: it would cancel a source that is disposed next.
        public async ValueTask DisposeAsync()
        {
            await _registration.DisposeAsync();
            await _timer.DisposeAsync();
        }
    }
}
