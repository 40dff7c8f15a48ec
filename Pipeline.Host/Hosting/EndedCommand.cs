using System.Runtime.InteropServices;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Hosting;

/// <summary>Ctrl-C and SIGTERM while a command runs that has nothing to save: it ends as any program does, and leaves nothing half written.</summary>
internal sealed class EndedCommand : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations =
        [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, _ => WorkInHand.DeleteAll()))];

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }
}
