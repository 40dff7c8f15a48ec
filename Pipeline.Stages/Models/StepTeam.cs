namespace Pipeline.Stages.Models;

/// <summary>
/// A team of threads that share the rows of a product, the calling thread being one of them. The other threads start with the first product that is large
/// enough. Only one thread may call at a time.
/// </summary>
/// <param name="threads">The number of threads, the calling one included.</param>
internal sealed class StepTeam(int threads) : IDisposable
{
    // Waking a thread takes about as long as reading this many bytes.
    private const long LeastBytes = 1 << 20;

    private readonly SemaphoreSlim _begin = new(0);
    private Thread[] _others = [];
    private Action<int, int>? _part;
    private int _count, _next, _left;

    /// <summary>Divides the rows into a share for each thread, and returns when all shares are done.</summary>
    /// <param name="count">The number of rows.</param>
    /// <param name="bytes">The number of bytes that are read. If they are few, the calling thread does all the work.</param>
    /// <param name="part">
    /// Computes a share, from its first row up to but not including its end. It must not throw. What it computes for a row must not depend on the share,
    /// so that the number of threads does not change the result.
    /// </param>
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
            // Shares belong to no particular thread: whichever wakes takes the next one.
            int share = Interlocked.Increment(ref _next);
            part(First(share), First(share + 1));
            Interlocked.Decrement(ref _left);
        }
    }

    private int First(int share) => (int)((long)_count * share / threads);
}
