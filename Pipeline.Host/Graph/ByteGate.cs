namespace Pipeline.Host.Graph;

/// <summary>
/// Admits records as long as their total size stays within a limit, in bytes. A record that is larger than the limit is admitted when nothing else
/// is inside. Only one caller may wait at a time: the producer of the queue.
/// </summary>
internal sealed class ByteGate(long limit)
{
    private readonly Lock _lock = new();
    private long _inside;
    private long _waitingWeight;
    private TaskCompletionSource? _waiting;

    public async ValueTask EnterAsync(long weight, CancellationToken cancellationToken)
    {
        TaskCompletionSource waiting;
        lock (_lock)
        {
            if (Fits(weight))
            {
                _inside += weight;
                return;
            }
            waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            (_waiting, _waitingWeight) = (waiting, weight);
        }
        await waiting.Task.WaitAsync(cancellationToken);
    }

    public void Leave(long weight)
    {
        lock (_lock)
        {
            _inside -= weight;
            if (_waiting is null || !Fits(_waitingWeight))
                return;
            _inside += _waitingWeight;
            _waiting.SetResult();
            _waiting = null;
        }
    }

    private bool Fits(long weight) => _inside == 0 || _inside + weight <= limit;
}
