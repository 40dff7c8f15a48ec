using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Pipeline.Host.Hosting;

/// <summary>
/// Handles Ctrl-C and SIGTERM. The first signal asks for a stop at the next safe point, the second ends the current work, and the third ends the process.
/// The host itself runs until the run is over.
/// </summary>
internal sealed class SignalLifetime(StopSignals signals, ILogger<SignalLifetime> log) : IHostLifetime, IDisposable
{
    private const int LastCaught = 2;
    private readonly List<PosixSignalRegistration> _registrations = [];

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (PosixSignal signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT })
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _registrations.ForEach(r => r.Dispose());

    private void OnSignal(PosixSignalContext context)
    {
        int request = signals.Request();
        context.Cancel = request <= LastCaught;
        if (request == 1)
            log.Stopping();
        else
            log.Ending();
    }
}
