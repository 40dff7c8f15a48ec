using System.Globalization;
using System.Text;

namespace Pipeline.Host.Progress;

/// <summary>Lines, where there is no terminal: one in every interval while a flow runs.</summary>
internal sealed class PlainDisplay(TextWriter output, TimeProvider time, TimeSpan interval) : IProgressDisplay, IDisposable
{
    private readonly Lock _lock = new();
    private ITimer? _timer;

    public void Begin(FlowMeter flow)
    {
        lock (_lock)
            _timer = time.CreateTimer(_ => WriteLine(Stamp(Status(flow))), null, interval, interval);
    }

    public void End(FlowMeter flow)
    {
        lock (_lock)
        {
            _timer?.Dispose();
            _timer = null;
        }
    }

    public void WriteLine(string line)
    {
        lock (_lock)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    public void Dispose() => _timer?.Dispose();

    private string Stamp(string status) => string.Create(CultureInfo.InvariantCulture, $"{time.GetLocalNow():HH:mm:ss} {status}");

    private string Status(FlowMeter flow)
    {
        TimeSpan elapsed = time.GetElapsedTime(flow.StartTimestamp);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"flow '{flow.Flow}' {Rates.Time(elapsed)}");
        if (flow.PartitionCount > 0)
            text.Append(CultureInfo.InvariantCulture, $", part {flow.PartitionsDone + 1} of {flow.PartitionCount}");
        foreach (StageCounts counts in flow.Snapshot())
        {
            text.Append(CultureInfo.InvariantCulture, $" | {counts.Stage} {Rates.Short(counts.In)}");
            if (counts.Rejected > 0)
                text.Append(CultureInfo.InvariantCulture, $" ({Rates.Short(counts.Rejected)} rejected)");
            if (counts.Counts.TryGetValue(Rates.TokenCount, out long tokens))
                text.Append(CultureInfo.InvariantCulture, $" {Rates.Short(tokens / elapsed.TotalSeconds)} tokens/s");
        }
        foreach (StageMeter meter in flow.Current)
        {
            StageProgress progress = meter.LatestProgress;
            if (progress.Total <= 0)
                continue;
            text.Append(CultureInfo.InvariantCulture, $" | {meter.Stage} {progress.Done}/{progress.Total}");
            foreach ((string name, double value) in meter.LatestScalars.OrderBy(s => s.Key, StringComparer.Ordinal))
                text.Append(CultureInfo.InvariantCulture, $" {name} {Rates.Short(value)}");
            if (Rates.Left(progress, elapsed) is { } left)
                text.Append(CultureInfo.InvariantCulture, $", {Rates.Time(left)} left");
        }
        return text.ToString();
    }
}
