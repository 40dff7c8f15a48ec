using System.Diagnostics;

namespace Pipeline.Benchmarks;

/// <summary>Times work on threads that are ready and waiting before the clock starts.</summary>
internal static class TwoThreads
{
    /// <summary>The seconds until all threads are done, one for each piece of work.</summary>
    public static double Seconds(params Action[] work)
    {
        using var ready = new CountdownEvent(work.Length);
        using var go = new ManualResetEventSlim();
        Thread[] threads = [.. work.Select(w => new Thread(() =>
        {
            ready.Signal();
            go.Wait();
            w();
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        ready.Wait();
        long start = Stopwatch.GetTimestamp();
        go.Set();
        foreach (Thread thread in threads)
            thread.Join();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>The gain by a second thread for work that shares nothing and uses no memory. More is not possible on this machine.</summary>
    public static double Ceiling(long steps)
    {
        double one = Seconds(() => Spin(steps)), two = Seconds(() => Spin(steps / 2), () => Spin(steps / 2));
        return one / two;
    }

    private static void Spin(long steps)
    {
        ulong x = 88172645463325252;
        for (long i = 0; i < steps; i++)
        {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
        if (x == 0)
            throw new InvalidOperationException("xorshift cannot reach zero");
    }
}
