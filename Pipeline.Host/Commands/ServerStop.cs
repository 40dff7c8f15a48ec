using System.Runtime.InteropServices;

namespace Pipeline.Host.Commands;

/// <summary>
/// Lets a serving command wait for a signal. The first signal ends the wait, so that the server can stop in good order. A second one ends the process.
/// </summary>
internal sealed class ServerStop : IDisposable
{
    private readonly TaskCompletionSource _stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<PosixSignalRegistration> _signals;
    private readonly CancellationTokenRegistration? _asked;

    public ServerStop(CommandEnvironment environment)
    {
        _signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }
            .Select(signal => PosixSignalRegistration.Create(signal, context => context.Cancel = _stop.TrySetResult()))];
        _asked = environment.Signals?.StopRequested.Register(() => _stop.TrySetResult());
    }

    /// <summary>Completes at the first signal, when a test asks for a stop, and when the token is cancelled.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration cancelled = cancellationToken.Register(() => _stop.TrySetResult());
        await _stop.Task;
    }

    public void Dispose()
    {
        _asked?.Dispose();
        _signals.ForEach(signal => signal.Dispose());
    }
}
