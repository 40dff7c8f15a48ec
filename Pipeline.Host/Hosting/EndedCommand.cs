using System.Runtime.InteropServices;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Hosting;

/// <summary>
/// Handles Ctrl-C, SIGTERM and SIGHUP while a command runs that has nothing to save. The command ends as any program would, but files that are not
/// committed are deleted first.
/// </summary>
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
