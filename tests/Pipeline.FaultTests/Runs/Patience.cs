namespace Pipeline.FaultTests.Runs;

/// <summary>
/// Waits that count the time in which this process itself ran: a machine that stands still, or a process that somebody stopped for a while,
/// is no hang of what is waited for.
/// </summary>
internal static class Patience
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    /// <param name="limit">After which it hangs.</param>
    /// <param name="wait">Waits at most so long; true when what was waited for is there.</param>
    public static bool Await(TimeSpan limit, Func<TimeSpan, bool> wait)
    {
        for (TimeSpan waited = TimeSpan.Zero; waited < limit; waited += Step)
        {
            if (wait(Step))
                return true;
        }
        return false;
    }
}
