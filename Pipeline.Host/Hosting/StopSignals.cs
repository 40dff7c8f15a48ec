
namespace Pipeline.Host.Hosting;

/// <summary>What the user has asked for while a run is in progress: first a stop at the next safe point, then a stop at once.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _cancel = new();
    private int _requests;

    /// <summary>Cancelled when the user asks for a stop at the next safe point.</summary>
    public CancellationToken StopRequested => _stop.Token;

    /// <summary>Cancelled when the user asks for a stop at once.</summary>
    public CancellationToken Cancelled => _cancel.Token;

    /// <summary>Called for each Ctrl-C or SIGTERM.</summary>
    /// <returns>The number of the request, from 1.</returns>
    public int Request()
    {
        int request = Interlocked.Increment(ref _requests);
        if (request == 1)
            _stop.Cancel();
        else
            _cancel.Cancel();
        return request;
    }

    public void Dispose()
    {
        _stop.Dispose();
        _cancel.Dispose();
    }
}
