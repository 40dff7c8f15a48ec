namespace Pipeline.Stages.Models;

/// <summary>Threads that share the rows of a product; the caller is one of them. How the rows are shared does not change the result.</summary>
/// <param name="threads">The caller included.</param>
internal sealed class StepTeam(int threads) : IDisposable
{
    // Waking a thread takes as long as reading about this many bytes.
    private const long LeastBytes = 1 << 20;

    private readonly SemaphoreSlim _begin = new(0);
    private Thread[] _others = [];
    private Action<int, int>? _part;
    private int _count, _next, _left;

    /// <param name="count">Rows.</param>
    /// <param name="bytes">How many bytes are read. With few, the caller does all of the work.</param>
    /// <param name="part">Called with the first row of a share and one past its last.</param>
    public void Run(int count, long bytes, Action<int, int> part)
    {
        if (threads == 1 || bytes < LeastBytes)
        {
            part(0, count);
            return;
        }
        if (_others.Length == 0)
            _others = [.. Enumerable.Range(1, threads - 1).Select(i => Begun(i))];
        (_part, _count, _next, _left) = (part, count, 0, threads - 1);
        _begin.Release(threads - 1);
        part(0, First(1));
        var wait = new SpinWait();
        while (Volatile.Read(ref _left) > 0)
            wait.SpinOnce(sleep1Threshold: -1);
        _part = null;
    }

    public void Dispose()
    {
        if (_others.Length > 0)
            _begin.Release(_others.Length);
        foreach (Thread thread in _others)
            thread.Join();
        _begin.Dispose();
    }

    private Thread Begun(int number)
    {
        var thread = new Thread(Work) { IsBackground = true, Name = $"step {number}" };
        thread.Start();
        return thread;
    }

    private void Work()
    {
        while (true)
        {
            _begin.Wait();
            if (_part is not { } part)
                return;
            // Whoever wakes takes the next share.
            int share = Interlocked.Increment(ref _next);
            part(First(share), First(share + 1));
            Interlocked.Decrement(ref _left);
        }
    }

    private int First(int share) => (int)((long)_count * share / threads);
}
