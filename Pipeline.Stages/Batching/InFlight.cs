namespace Pipeline.Stages.Batching;

/// <summary>Does a limited number of things at once, for work that waits for something else: a device, a process or a server.</summary>
internal static class InFlight
{
    /// <summary>
    /// Starts the work on each item, in order and on at most <paramref name="most"/> at a time. The first failure cancels the work in progress, and is
    /// thrown when all of it has ended.
    /// </summary>
    public static async Task ForEachAsync<T>(IEnumerable<T> items, int most, Func<T, CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task>(most);
        try
        {
            foreach (T item in items)
            {
                if (running.Count == most) await OneAsync(running).ConfigureAwait(false);
                running.Add(work(item, stop.Token));
            }
            while (running.Count > 0) await OneAsync(running).ConfigureAwait(false);
        }
        finally
        {
            if (running.Count > 0)
            {
                await stop.CancelAsync().ConfigureAwait(false);
                await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static async Task OneAsync(List<Task> running)
    {
        Task done = await Task.WhenAny(running).ConfigureAwait(false);
        running.Remove(done);
        await done.ConfigureAwait(false);
    }
}
