namespace Pipeline.Host.Graph;

/// <summary>
/// Knows when no delegate of a block runs or will run. The block's own completion does not tell: a block that was completed with
/// records still in it and then cancelled never completes.
/// </summary>
internal sealed class DelegateGate
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _inside;
    private bool _closed;

    /// <returns>False when the gate was closed: the delegate must do nothing.</returns>
    public bool TryEnter()
    {
        lock (_lock)
        {
            if (_closed)
                return false;
            _inside++;
            return true;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            _inside--;
            if (_closed && _inside == 0)
                _empty.TrySetResult();
        }
    }

    /// <summary>Admits nobody from now on, and waits for those inside.</summary>
    public Task CloseAsync()
    {
        lock (_lock)
        {
            _closed = true;
            if (_inside == 0)
                _empty.TrySetResult();
        }
        return _empty.Task;
    }
}
