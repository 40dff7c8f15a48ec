namespace Pipeline.Host.Graph;

/// <summary>
/// Knows when no delegate of a block is running any more, or will run. The completion of the block does not say so: a block that was completed
/// with records still in it and then cancelled never completes.
/// </summary>
internal sealed class DelegateGate
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _inside;
    private bool _closed;

    /// <summary>Called when a delegate begins.</summary>
    /// <returns>False if the gate is closed. The delegate must then do nothing, and must not call <see cref="Leave"/>.</returns>
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

    /// <summary>Closes the gate, and completes when all delegates have left.</summary>
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
