using System.Globalization;

namespace Pipeline.Host.Progress;

/// <summary>Shows progress as lines of text, where there is no terminal: one line in every interval while a flow runs.</summary>
internal sealed class PlainDisplay(TextWriter output, TimeProvider time, TimeSpan interval) : IProgressDisplay, IDisposable
{
    private readonly Lock _lock = new();
    private ITimer? _timer;

    public void Begin(FlowMeter flow)
    {
        lock (_lock)
            _timer = time.CreateTimer(_ => Tick(flow), null, interval, interval);
    }

    public void End(FlowMeter flow) => Dispose();

    public void WriteLine(string line)
    {
        lock (_lock)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _timer?.Dispose();
            _timer = null;
        }
    }

    // A tick may already be on its way when the timer is disposed, and the output may be closed by then.
    private void Tick(FlowMeter flow)
    {
        lock (_lock)
        {
            if (_timer is not null)
                WriteLine(Stamp(Status(flow)));
        }
    }

    private string Stamp(string status) => string.Create(CultureInfo.InvariantCulture, $"{time.GetLocalNow():HH:mm:ss} {status}");

    private string Status(FlowMeter flow)
    {
        TimeSpan elapsed = time.GetElapsedTime(flow.StartTimestamp);
        string part = flow.PartitionCount > 0 ? string.Create(CultureInfo.InvariantCulture, $", part {flow.PartitionsDone + 1} of {flow.PartitionCount}") : "";
        return Rates.Wrap(
            [$"flow '{flow.Flow}' {Rates.Time(elapsed)}{part}", .. flow.Snapshot().Select(c => Counts(c, elapsed)), .. flow.Current.Where(m => m.LatestProgress.Total > 0).SelectMany(m => Progress(m, elapsed))],
            " | ", Rates.StampColumns);
    }

    private static string Counts(StageCounts counts, TimeSpan elapsed)
    {
        string rejected = counts.Rejected > 0 ? $" ({Rates.Short(counts.Rejected)} rejected)" : "";
        string rate = counts.Counts.TryGetValue(Rates.TokenCount, out long tokens) ? $" {Rates.Short(tokens / elapsed.TotalSeconds)} tokens/s" : "";
        return $"{counts.Stage} {Rates.Short(counts.In)} records{rejected}{rate}";
    }

    private static IEnumerable<string> Progress(StageMeter meter, TimeSpan elapsed)
    {
        StageProgress progress = meter.LatestProgress;
        string left = Rates.Left(progress, elapsed) is { } time ? $", {Rates.Time(time)} left" : "";
        yield return string.Create(CultureInfo.InvariantCulture, $"{meter.Stage} {progress.Done} of {progress.Total}{left}");
        foreach ((string name, double value) in meter.LatestScalars.OrderBy(s => s.Key, StringComparer.Ordinal))
            yield return $"{name} {Rates.Short(value)}";
    }
}
