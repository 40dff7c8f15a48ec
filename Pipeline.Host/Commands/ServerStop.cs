using System.Runtime.InteropServices;

namespace Pipeline.Host.Commands;

/// <summary>What a serving command waits for: the first signal stops it in good order, a second one at once.</summary>
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
